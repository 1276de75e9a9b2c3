"""What a transport carries: one inference, and the ensemble's configuration. Plain data, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from ..errors import ProtocolError, TriptychError


class InvalidArgumentError(TriptychError):
    """The server refused the request's content. Internal: `answers` turns it into `ImageError`."""


@dataclass(frozen=True, slots=True)
class InferRequest:
    """Encoded images for one request, and the outputs that it asks for.

    request_id: goes to the server, which repeats it in its answer; of no other request or attempt
    headers:    `headers.checked` ones of this request, beside those of its client
    """

    images: tuple[bytes, ...]
    outputs: tuple[str, ...]
    request_id: str
    timeout_s: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def of_attempt(self, number: int, timeout_s: float, more: Mapping[str, str]) -> "InferRequest":
        """The same for one attempt, with an id of its own, what is left of the time, and more headers."""
        headers = {**self.headers, **more} if more else self.headers
        return InferRequest(self.images, self.outputs, attempt_id(self.request_id, number), timeout_s, headers)

    def check_answered_by(self, answer_id: str) -> None:
        """Do nothing where an answer with this id is the answer to this request.

        Triton repeats the id of every request that has one, as the KServe protocol demands. An answer without an id is
        refused as well: it cannot be told from the answer to another request.

        Raises:
            ProtocolError: it is not.
        """
        if answer_id == self.request_id:
            return
        if not answer_id:
            raise ProtocolError(
                f"the answer to request {self.request_id} names no request, so it may belong to another; let the "
                "server, and every proxy before it, keep the id of a request (KServe protocol)"
            )
        raise ProtocolError(
            f"the answer to request {self.request_id} belongs to another request ({answer_id[:80]!r}); it was "
            "discarded. Either a proxy mixes up answers, or two processes use one connection"
        )


@dataclass(frozen=True, slots=True)
class InferResponse:
    """Output tensors by name; BYTES tensors are object arrays of `bytes`.

    request_id: of the request that this answers, as the server repeats it; empty where it does not
    """

    model_version: str
    outputs: Mapping[str, NDArray[Any]]
    request_id: str = ""


def attempt_id(request_id: str, number: int) -> str:
    """The id of the `number`-th attempt of a request; the first has the id of the request itself.

    A late answer to an earlier attempt is thereby no answer to a later one.
    """
    return request_id if number == 1 else f"{request_id}-{number}"


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
