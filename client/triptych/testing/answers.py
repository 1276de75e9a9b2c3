"""What a fake server answers: what it was given for an image, else a checksum of its bytes. Pure."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .. import contract
from ..results import Prediction
from ..transports import tensors as encoding

_EMBEDDING_SIZE = 4


@dataclass(frozen=True, slots=True)
class Rejection:
    """The error that an image gets instead of an answer."""

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


Given: TypeAlias = Mapping[bytes, Sequence[Prediction] | Rejection]
"""Encoded bytes of an image -> what it gets."""

NONE_GIVEN: Final[Given] = MappingProxyType({})


def class_id(image: bytes) -> int:
    """The best class of an image: a checksum of its bytes."""
    return zlib.crc32(image) & 0x7FFFFFFF


def label(image: bytes) -> str:
    """The label of that class."""
    return f"image {class_id(image):08x}"


def outputs(
    images: Sequence[bytes], names: Sequence[str], *, top_k: int, given: Given = NONE_GIVEN
) -> dict[str, NDArray[Any]]:
    """The tensors of these names, a row an image."""
    rows = [_row(image, given.get(image), top_k) for image in images]
    errors = [str(each).encode() if isinstance(each := given.get(image), Rejection) else b"" for image in images]
    tensors: dict[str, NDArray[Any]] = {
        contract.CLASS_ID: np.array([[each.class_id for each in row] for row in rows], np.int32),
        contract.SCORE: np.array([[each.score for each in row] for row in rows], np.float32),
        contract.LABEL: np.array([[each.label.encode() for each in row] for row in rows], np.object_),
        contract.ERROR: np.array(errors, np.object_)[:, None],
        contract.EMBEDDING: np.array([[class_id(image)] * _EMBEDDING_SIZE for image in images], np.float32),
    }
    return {name: tensors[name] for name in names}


def refusal(images: Sequence[bytes], given: Given) -> str | None:
    """The message of a request whose images are all rejected, a line an image, as Triton sends it; None for others."""
    found = [given.get(image) for image in images]
    if not all(isinstance(each, Rejection) for each in found):
        return None
    return "\n".join(f"[{index}] {each}" for index, each in enumerate(found))


def _row(image: bytes, given: Sequence[Prediction] | Rejection | None, top_k: int) -> list[Prediction]:
    if isinstance(given, Rejection):
        return [Prediction(-1, "", 0.0)] * top_k
    if given is None:
        others = [Prediction(rank, "another", 0.5 / 2**rank) for rank in range(1, top_k)]
        return [Prediction(class_id(image), label(image), 0.5), *others]
    return [*given, *[Prediction(rank, "another", 0.0) for rank in range(len(given), top_k)]]


def raw(tensor: NDArray[Any]) -> bytes:
    """A tensor as it is sent."""
    return encoding.of_images(tensor.ravel().tolist()) if tensor.dtype == np.object_ else tensor.tobytes()
