import inspect
import re
import socket
import ssl
from collections.abc import Callable
from typing import Any, Never

import grpc
import pytest
from tritonclient.grpc import service_pb2

import triptych
from triptych import (
    Client,
    DeadlineExceededError,
    ImageError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    ProtocolError,
    ServerError,
    TooLargeError,
    TriptychError,
    UnavailableError,
    errors,
)
from triptych.endpoint import Endpoint
from triptych.transports import grpc_errors, http_errors
from triptych.transports.grpc_transport import GrpcTransport
from triptych.transports.http1 import EndedEarlyError, NotHttpError
from triptych.transports.http_errors import ClosedError, NotConnectedError
from triptych.transports.http_transport import HttpTransport
from triptych.transports.transport import InferRequest, InvalidArgumentError

CLASSES = {name: value for name, value in vars(errors).items() if inspect.isclass(value)}
REQUEST = InferRequest((b"image",), ("SCORE",), "request-1", 5.0)
REJECTION = "[0] not_an_image: no header"

GRPC_ERRORS = {
    "INVALID_ARGUMENT": InvalidArgumentError,
    "DEADLINE_EXCEEDED": DeadlineExceededError,
    "UNAVAILABLE": UnavailableError,
    "RESOURCE_EXHAUSTED": OverloadedError,
    "NOT_FOUND": NotFoundError,
    "UNAUTHENTICATED": PermissionDeniedError,
    "PERMISSION_DENIED": PermissionDeniedError,
    "UNIMPLEMENTED": ProtocolError,
    "CANCELLED": ServerError,
    "UNKNOWN": ServerError,
    "ALREADY_EXISTS": ServerError,
    "FAILED_PRECONDITION": ServerError,
    "ABORTED": ServerError,
    "OUT_OF_RANGE": ServerError,
    "INTERNAL": ServerError,
    "DATA_LOSS": ServerError,
}

HTTP_ERRORS = {
    302: ProtocolError,
    400: InvalidArgumentError,
    401: PermissionDeniedError,
    403: PermissionDeniedError,
    404: NotFoundError,
    405: ProtocolError,
    408: ProtocolError,
    413: TooLargeError,
    429: OverloadedError,
    500: ServerError,
    501: ServerError,
    502: UnavailableError,
    503: UnavailableError,
    504: DeadlineExceededError,
}

SOCKET_ERRORS = [
    (TimeoutError(), DeadlineExceededError),
    (ConnectionRefusedError(), UnavailableError),
    (ConnectionResetError(), UnavailableError),
    (BrokenPipeError(), UnavailableError),
    (socket.gaierror(-2, "Name or service not known"), UnavailableError),
    (OSError(113, "No route to host"), UnavailableError),
    (ssl.SSLError(1, "handshake failure"), UnavailableError),
    (ssl.SSLCertVerificationError(1, "self-signed certificate"), ProtocolError),
    (NotConnectedError("refused"), UnavailableError),
    (EndedEarlyError("cut"), UnavailableError),
    (NotHttpError("SSH-2.0"), ProtocolError),
    (ClosedError(), UnavailableError),
]


def aborting(status: grpc.StatusCode) -> Callable[[Any, Any], Never]:
    def function(_: Any, context: Any) -> Never:
        context.abort(status, REJECTION)
        raise AssertionError("abort returns never")

    return function


def http_answer(status: int) -> bytes:
    body = b'{"error": "' + REJECTION.encode() + b'"}'
    return b"HTTP/1.1 %d Some Reason\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


def test_the_docstring_draws_every_error_below_the_base() -> None:
    assert errors.__doc__ is not None
    drawn = re.findall(r"^    \+-- (\w+)  +\S", errors.__doc__, flags=re.MULTILINE)
    assert sorted(drawn) == sorted(CLASSES.keys() - {"TriptychError"})
    assert {name for name, kind in CLASSES.items() if kind.__bases__ == (TriptychError,)} == set(drawn)
    assert "\n    TriptychError\n" in errors.__doc__


def test_every_error_is_public() -> None:
    assert [name for name in CLASSES if name not in triptych.__all__] == []


def test_an_image_error_says_which_image_what_and_the_code() -> None:
    error = ImageError("corrupt_image", "the JPEG data is damaged", source="cat.jpg")
    assert str(error) == "cat.jpg: the JPEG data is damaged (corrupt_image)"
    assert (error.code, error.message, error.source) == ("corrupt_image", "the JPEG data is damaged", "cat.jpg")


@pytest.mark.parametrize("status", [each for each in grpc.StatusCode if each is not grpc.StatusCode.OK])
def test_every_grpc_status_is_translated(status: grpc.StatusCode, grpc_server: Callable[..., str]) -> None:
    url = "grpc://" + grpc_server(ModelInfer=aborting(status), ModelConfig=aborting(status))
    transport = GrpcTransport(Endpoint.from_url(url))
    calls = (lambda: transport.infer(REQUEST), lambda: transport.parameters(timeout_s=5.0))
    for call in calls:
        with pytest.raises(TriptychError) as caught:
            call()
        assert type(caught.value) is GRPC_ERRORS[status.name]
        assert isinstance(caught.value.__cause__, grpc.RpcError)
    transport.close()
    with Client(url) as client, pytest.raises(TriptychError) as caught:
        client.classify(b"image")
    assert type(caught.value).__name__ in triptych.__all__


@pytest.mark.parametrize("status", HTTP_ERRORS)
def test_every_http_status_is_translated(status: int, http_server: Callable[[bytes], str]) -> None:
    url = "http://" + http_server(http_answer(status))
    transport = HttpTransport(Endpoint.from_url(url))
    calls = (lambda: transport.infer(REQUEST), lambda: transport.parameters(timeout_s=5.0))
    for call in calls:
        with pytest.raises(TriptychError) as caught:
            call()
        assert type(caught.value) is HTTP_ERRORS[status]
        assert REJECTION in str(caught.value)
    transport.close()
    with Client(url) as client, pytest.raises(TriptychError) as caught:
        client.classify(b"image")
    assert type(caught.value).__name__ in triptych.__all__


@pytest.mark.parametrize(("lower", "kind"), SOCKET_ERRORS, ids=lambda each: getattr(each, "__name__", repr(each)))
def test_every_error_of_a_socket_is_translated(lower: Exception, kind: type[TriptychError]) -> None:
    with pytest.raises(TriptychError) as caught, http_errors.translated(Endpoint("http", "h", 8000), timeout_s=5.0):
        raise lower
    assert type(caught.value) is kind
    assert caught.value.__cause__ is lower


def test_every_grpc_status_has_a_translation() -> None:
    assert grpc_errors.STATUSES.keys() == {status.name for status in grpc.StatusCode} - {"OK"}


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_a_refused_image_is_an_image_error_over_either_protocol(
    scheme: str, grpc_server: Callable[..., str], http_server: Callable[[bytes], str]
) -> None:
    if scheme == "grpc":
        authority = grpc_server(ModelInfer=aborting(grpc.StatusCode.INVALID_ARGUMENT))
    else:
        authority = http_server(http_answer(400))
    with Client(f"{scheme}://{authority}") as client, pytest.raises(ImageError) as caught:
        client.classify(b"image")
    assert (caught.value.code, caught.value.message, caught.value.source) == ("not_an_image", "no header", "image 0")


def test_a_grpc_answer_that_is_no_inference_has_no_tensors(grpc_server: Callable[..., str]) -> None:
    authority = grpc_server(ModelInfer=lambda request, __: service_pb2.ModelInferResponse(id=request.id))
    with Client(f"grpc://{authority}") as client, pytest.raises(ProtocolError, match="lacks the output CLASS_ID"):
        client.classify(b"image")
