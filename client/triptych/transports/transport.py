"""What a transport carries: one inference, and the ensemble's configuration. Plain data, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from ..errors import TriptychError


class InvalidArgumentError(TriptychError):
    """The server refused the request's content. Internal: `answers` turns it into `ImageError`."""


@dataclass(frozen=True, slots=True)
class InferRequest:
    """Encoded images for one request, and the outputs that it asks for.

    headers: `headers.checked` ones of this request, beside those of its client
    """

    images: tuple[bytes, ...]
    outputs: tuple[str, ...]
    request_id: str
    timeout_s: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def of_attempt(self, timeout_s: float, more: Mapping[str, str]) -> "InferRequest":
        """The same for one attempt, with what is left of the time, and more headers."""
        headers = {**self.headers, **more} if more else self.headers
        return InferRequest(self.images, self.outputs, self.request_id, timeout_s, headers)


@dataclass(frozen=True, slots=True)
class InferResponse:
    """Output tensors by name; BYTES tensors are object arrays of `bytes`."""

    model_version: str
    outputs: Mapping[str, NDArray[Any]]


class Transport(Protocol):
    """One protocol to one server. Thread-safe. Every failure is a `TriptychError`, raised by the deadline."""

    def infer(self, request: InferRequest) -> InferResponse:
        """Ask `image_classifier`."""

    def parameters(self, *, timeout_s: float) -> Mapping[str, str]:
        """`parameters` of the ensemble's configuration."""

    def close(self) -> None:
        """Release sockets; a second call does nothing."""


class AsyncTransport(Protocol):
    """The same for one event loop."""

    async def infer(self, request: InferRequest) -> InferResponse:
        """Ask `image_classifier`."""

    async def parameters(self, *, timeout_s: float) -> Mapping[str, str]:
        """`parameters` of the ensemble's configuration."""

    async def close(self) -> None:
        """Release sockets; a second call does nothing."""
