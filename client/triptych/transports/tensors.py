"""Tensors as bytes, the same over either protocol. Pure."""

import math
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tritonclient.utils import triton_to_np_dtype

from .. import contract
from ..errors import ProtocolError
from .wording import first_line

_MOST_DIMENSIONS = 8
_MOST_ELEMENTS = 1 << 20
"""Elements of a BYTES tensor, each of which takes time to read: the labels of 32 images with 32,768 classes each."""

_LENGTH = struct.Struct("<I")
_DTYPES = {"INT32": np.dtype(np.int32), "FP32": np.dtype(np.float32)}


def of_images(images: Sequence[bytes]) -> bytes:
    """Encoded images -> the BYTES tensor IMAGE of (N, 1): each after its length, 4 bytes little-endian."""
    return b"".join(parts_of_images(images))


def parts_of_images(images: Sequence[bytes]) -> list[bytes]:
    """The same, not yet in one piece: photographs are large."""
    return [part for image in images for part in (_LENGTH.pack(len(image)), image)]


def add_decoded(
    outputs: dict[str, NDArray[Any]], name: str, data: bytes, *, datatype: str, shape: Sequence[int]
) -> None:
    """Add an output of an answer to those before it; one that the contract does not have is left out.

    Raises:
        ProtocolError: the bytes do not fit, or the output is of another type than in the contract or there already.
    """
    if name not in contract.OUTPUTS:
        return
    if name in outputs:
        raise ProtocolError(f"the answer has the output {name} twice")
    if datatype != contract.OUTPUTS[name]:
        raise ProtocolError(f"output {name} is {first_line(datatype)} where {contract.OUTPUTS[name]} was expected")
    outputs[name] = decoded(data, datatype=datatype, shape=shape)


def decoded(data: bytes, *, datatype: str, shape: Sequence[int]) -> NDArray[Any]:
    """The bytes of a tensor -> an array; BYTES become an object array of `bytes`.

    Raises:
        ProtocolError: they do not fit.
    """
    try:
        count = _count(shape)
        if datatype == "BYTES":
            elements = _elements(data, count)
            values: NDArray[Any] = np.empty(len(elements), np.object_)
            values[:] = elements
        else:
            values = np.frombuffer(data, _DTYPES.get(datatype) or _dtype(datatype))
        return values.reshape(tuple(shape))
    except (ValueError, TypeError, OverflowError, struct.error) as error:
        form = first_line(f"{[*shape[:9]]} of {datatype}: {error}")
        raise ProtocolError(f"a tensor's bytes do not fit its shape {form}") from error


def _dtype(datatype: str) -> Any:
    dtype = triton_to_np_dtype(datatype)
    if dtype is None:  # which numpy takes for float64
        raise ValueError("there is no such datatype")
    return dtype


def _count(shape: Sequence[int]) -> int:
    """The elements of a tensor of this shape."""
    if len(shape) > _MOST_DIMENSIONS or not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError("that is no shape")
    return math.prod(shape)


def _elements(data: bytes, count: int) -> list[bytes]:
    if count > _MOST_ELEMENTS or count * _LENGTH.size > len(data):
        raise ValueError(f"{len(data)} bytes cannot be {count} elements")
    elements: list[bytes] = []
    start, end = 0, len(data)
    while start < end and len(elements) <= count:
        (length,) = _LENGTH.unpack_from(data, start)
        start += _LENGTH.size + length
        elements.append(data[start - length : start])
    if len(elements) != count:
        raise ValueError(f"there are {'more' if len(elements) > count else 'fewer'} than {count} elements")
    if start != end:
        raise ValueError("the last element is cut off")
    return elements
