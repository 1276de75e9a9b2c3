"""What a fake server answers: a checksum of each image's bytes, as the tensors of the contract. Pure."""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import contract
from ..transports import tensors as encoding

_EMBEDDING_SIZE = 4


def class_id(image: bytes) -> int:
    """The best class of an image: a checksum of its bytes."""
    return zlib.crc32(image) & 0x7FFFFFFF


def label(image: bytes) -> str:
    """The label of that class."""
    return f"image {class_id(image):08x}"


def outputs(images: Sequence[bytes], names: Sequence[str], *, top_k: int) -> dict[str, NDArray[Any]]:
    """The tensors of these names, a row an image."""
    rows, best = len(images), [class_id(image) for image in images]
    scores = np.array([0.5 / 2**rank for rank in range(top_k)], np.float32)
    tensors: dict[str, NDArray[Any]] = {
        contract.CLASS_ID: np.array([[first, *range(1, top_k)] for first in best], np.int32),
        contract.SCORE: np.tile(scores, (rows, 1)),
        contract.LABEL: np.array(
            [[label(image).encode(), *[b"another"] * (top_k - 1)] for image in images], np.object_
        ),
        contract.ERROR: np.full((rows, 1), b"", np.object_),
        contract.EMBEDDING: np.tile(np.array(best, np.float32)[:, None], (1, _EMBEDDING_SIZE)),
    }
    return {name: tensors[name] for name in names}


def raw(tensor: NDArray[Any]) -> bytes:
    """A tensor as it is sent."""
    return encoding.of_images(tensor.ravel().tolist()) if tensor.dtype == np.object_ else tensor.tobytes()
