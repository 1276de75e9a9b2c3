"""What a transport carries: one inference, and the ensemble's configuration. Plain data, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .errors import TriptychError


class InvalidArgumentError(TriptychError):
    """The server refused the request's content. Internal: `answers` turns it into `ImageError`."""


@dataclass(frozen=True, slots=True)
class InferRequest:
    """Encoded images for one request, and the outputs that it asks for."""

    images: tuple[bytes, ...]
    outputs: tuple[str, ...]
    request_id: str
    timeout_s: float


@dataclass(frozen=True, slots=True)
class InferResponse:
    """Output tensors by name; BYTES tensors are object arrays of `bytes`."""

    model_version: str
    outputs: Mapping[str, NDArray[Any]]


class Transport(Protocol):
    """One protocol to one endpoint. Thread-safe. Every failure is raised as a `TriptychError`."""

    def infer(self, request: InferRequest) -> InferResponse:
        """Ask `image_classifier`."""

    def parameters(self, *, timeout_s: float) -> Mapping[str, str]:
        """`parameters` of the ensemble's configuration."""

    def close(self) -> None:
        """Release sockets; a second call does nothing."""


def image_tensor(images: tuple[bytes, ...]) -> NDArray[np.object_]:
    """Encoded images -> the (N, 1) object array of the input IMAGE."""
    tensor = np.empty((len(images), 1), dtype=np.object_)
    tensor[:, 0] = images
    return tensor
