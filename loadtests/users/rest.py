"""The gateway's REST as transports of the SDK: one image a request, `POST /classify`, JSON."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from triptych import ProtocolError, contract
from triptych.endpoint import Endpoint
from triptych.transports.aio_http_transport import AioHttpTransport
from triptych.transports.http1 import Answer
from triptych.transports.http_transport import HttpTransport
from triptych.transports.transport import InferRequest, InferResponse, InvalidArgumentError

_PATH: Final = "/classify"
_DESCRIBED: Final = {"Content-Type": "application/octet-stream"}
_BAD_IMAGE: Final = 422
_REQUEST_ID: Final = "x-request-id"


class _Gateway:
    """What differs from Triton, whichever client asks."""

    endpoint: Endpoint
    _model_path: str

    def __post_init__(self) -> None:
        super().__post_init__()  # type: ignore[misc]  # of the transport beside it
        self._model_path = self.endpoint.path  # a gateway's paths name no model

    def _checked(self, answer: Answer, sent: Mapping[str, str]) -> Answer:
        if answer.status == _BAD_IMAGE:
            raise InvalidArgumentError(_rejection(answer))
        checked: Answer = super()._checked(answer, sent)  # type: ignore[misc]
        return checked


class RestTransport(_Gateway, HttpTransport):
    """A gateway, for the synchronous client."""

    def infer(self, request: InferRequest) -> InferResponse:
        """Ask for the classes of one image."""
        body, more, timeout_s = _only(request), _named(request), request.timeout_s
        return self._exchange(
            "POST", _PATH, described=_DESCRIBED, more=more, body=body, timeout_s=timeout_s, read=_reader(request)
        )

    def parameters(self, *, timeout_s: float) -> Mapping[str, str]:  # noqa: ARG002  the SDK's interface
        """None: a gateway shows no configuration."""
        return {}


class AioRestTransport(_Gateway, AioHttpTransport):
    """A gateway, for the asynchronous client."""

    async def infer(self, request: InferRequest) -> InferResponse:
        """Ask for the classes of one image."""
        body, more, timeout_s = _only(request), _named(request), request.timeout_s
        return await self._exchange(
            "POST", _PATH, described=_DESCRIBED, more=more, body=body, timeout_s=timeout_s, read=_reader(request)
        )

    async def parameters(self, *, timeout_s: float) -> Mapping[str, str]:  # noqa: ARG002  the SDK's interface
        """None: a gateway shows no configuration."""
        return {}


def _only(request: InferRequest) -> tuple[bytes, ...]:
    if len(request.images) != 1:
        raise ProtocolError(f"the gateway takes one image a request, not {len(request.images)}")
    return request.images


def _named(request: InferRequest) -> Mapping[str, str]:
    """The headers of a request, its id among them, which a gateway repeats in its answer."""
    return {**request.headers, _REQUEST_ID: request.request_id}


def _reader(request: InferRequest) -> Callable[[Answer], InferResponse]:
    """Return the function that reads the answer to this request, and refuses the answer to another one."""

    def read(answer: Answer) -> InferResponse:
        response = _read(answer)
        request.check_answered_by(response.request_id)
        return response

    return read


def _read(answer: Answer) -> InferResponse:
    """The tensors that the gateway made its JSON of.

    Raises:
        ProtocolError: it is no answer of a gateway.
    """
    try:
        document = json.loads(answer.body)
        predictions = document["predictions"]
        outputs: dict[str, NDArray[Any]] = {
            contract.CLASS_ID: np.array([[each["class_id"] for each in predictions]], np.int32),
            contract.SCORE: np.array([[each["score"] for each in predictions]], np.float32),
            contract.LABEL: np.array([[each["label"].encode() for each in predictions]], np.object_),
            contract.ERROR: np.array([[b""]], np.object_),
        }
        return InferResponse(str(document["release"]), outputs, answer.headers.get(_REQUEST_ID) or "")
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ProtocolError("the answer is not a gateway's; is this the port of a gateway?") from error


def _rejection(answer: Answer) -> str:
    """The gateway's problem details (RFC 9457), in the words of Triton's own refusal."""
    try:
        problem = json.loads(answer.body)
        return f"[0] {problem['code']}: {problem['detail']}"
    except (ValueError, LookupError, TypeError):
        return "[0] rejected: the gateway does not say why"
