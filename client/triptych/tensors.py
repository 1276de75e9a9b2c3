"""Tensors as bytes, the same over either protocol. Pure."""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tritonclient.utils import deserialize_bytes_tensor, triton_to_np_dtype

from .errors import ProtocolError


def of_images(images: Sequence[bytes]) -> bytes:
    """Encoded images -> the BYTES tensor IMAGE of (N, 1): each after its length, 4 bytes little-endian."""
    return b"".join(part for image in images for part in (struct.pack("<I", len(image)), image))


def decoded(data: bytes, *, datatype: str, shape: Sequence[int]) -> NDArray[Any]:
    """The bytes of a tensor -> an array; BYTES become an object array of `bytes`.

    Raises:
        ProtocolError: they do not fit.
    """
    try:
        if datatype == "BYTES":
            values: NDArray[Any] = deserialize_bytes_tensor(data)
        else:
            values = np.frombuffer(data, dtype=triton_to_np_dtype(datatype))
        return values.reshape(tuple(shape))
    except (ValueError, TypeError, OverflowError, struct.error) as error:
        raise ProtocolError(f"a tensor's bytes do not fit its shape {list(shape)} of {datatype}: {error}") from error
