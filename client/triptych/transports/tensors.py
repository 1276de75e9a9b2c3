"""Tensors as bytes, the same over either protocol. Pure."""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tritonclient.utils import triton_to_np_dtype

from ..errors import ProtocolError

_LENGTH = struct.Struct("<I")
_DTYPES = {"INT32": np.dtype(np.int32), "FP32": np.dtype(np.float32)}


def of_images(images: Sequence[bytes]) -> bytes:
    """Encoded images -> the BYTES tensor IMAGE of (N, 1): each after its length, 4 bytes little-endian."""
    return b"".join(parts_of_images(images))


def parts_of_images(images: Sequence[bytes]) -> list[bytes]:
    """The same, not yet in one piece: photographs are large."""
    return [part for image in images for part in (_LENGTH.pack(len(image)), image)]


def decoded(data: bytes, *, datatype: str, shape: Sequence[int]) -> NDArray[Any]:
    """The bytes of a tensor -> an array; BYTES become an object array of `bytes`.

    Raises:
        ProtocolError: they do not fit.
    """
    try:
        if datatype == "BYTES":
            elements = _elements(data)
            values: NDArray[Any] = np.empty(len(elements), np.object_)
            values[:] = elements
        else:
            values = np.frombuffer(data, _DTYPES.get(datatype) or triton_to_np_dtype(datatype))
        return values.reshape(tuple(shape))
    except (ValueError, TypeError, OverflowError, struct.error) as error:
        raise ProtocolError(f"a tensor's bytes do not fit its shape {list(shape)} of {datatype}: {error}") from error


def _elements(data: bytes) -> list[bytes]:
    elements, start, end = [], 0, len(data)
    while start < end:
        (length,) = _LENGTH.unpack_from(data, start)
        start += _LENGTH.size + length
        elements.append(data[start - length : start])
    if start != end:
        raise ValueError("the last element is cut off")
    return elements
