import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from tritonclient.grpc import service_pb2

from triptych import (
    DeadlineExceededError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    TriptychError,
    UnavailableError,
)
from triptych.endpoint import Endpoint
from triptych.transports.http_codec import encode
from triptych.transports.http_transport import HttpTransport
from triptych.transports.transport import InferRequest, InvalidArgumentError

REQUEST = InferRequest((b"image",), ("SCORE",), "request-1", 10.0)
HASTY = InferRequest((b"image",), ("SCORE",), "request-1", 0.2)
PAGE = b"<!doctype html>\n<html><title>404 Not Found</title><h1>nginx</h1></html>"

SCORE = struct.pack("<2f", 0.75, 0.25)
SCORE_OUTPUT = {"name": "SCORE", "datatype": "FP32", "shape": [1, 2], "parameters": {"binary_data_size": len(SCORE)}}
HEADER = json.dumps({"id": REQUEST.request_id, "model_version": "7", "outputs": [SCORE_OUTPUT]}).encode()
LENGTH = b"Inference-Header-Content-Length: %d\r\n" % len(HEADER)


def answer(status: bytes, body: bytes, headers: bytes = b"") -> bytes:
    fixed = b"Connection: close\r\nContent-Length: %d\r\n" % len(body)
    return b"HTTP/1.1 " + status + b"\r\n" + fixed + headers + b"\r\n" + body


def transport(authority: str, prefix: str = "") -> HttpTransport:
    return HttpTransport(Endpoint.from_url(f"http://{authority}{prefix}"))


@pytest.fixture
def slammed_door() -> Iterator[str]:
    """The `host:port` of a server that closes each connection at once, unread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def slam() -> None:
            with suppress(OSError):
                while True:
                    listener.accept()[0].close()

        thread = threading.Thread(target=slam)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture
def trickle() -> Iterator[str]:
    """The `host:port` of a server whose first answer never ends, a byte at a time."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection = listener.accept()[0]
            with connection, suppress(OSError):  # until the client hangs up
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                for _ in range(1000):
                    connection.sendall(b" ")
                    threading.Event().wait(0.01)

        thread = threading.Thread(target=drip)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def test_an_inference_gives_the_tensors_and_the_release(http_server: Callable[[bytes], str]) -> None:
    response = transport(http_server(answer(b"200 OK", HEADER + SCORE, LENGTH))).infer(REQUEST)
    assert response.model_version == "7"
    assert response.outputs["SCORE"].tolist() == [[0.75, 0.25]]


@pytest.mark.parametrize(
    ("prefix", "path"),
    [("", b"/v2/models/image_classifier"), ("/vision/a/", b"/vision/a/v2/models/image_classifier")],
)
def test_requests_go_below_the_prefix_of_the_url(
    prefix: str, path: bytes, http_server: Callable[[bytes], str], http_requests: list[bytes]
) -> None:
    asked = transport(http_server(answer(b"404 Not Found", b"")), prefix)
    for call in (lambda: asked.infer(REQUEST), lambda: asked.parameters(timeout_s=10.0)):
        with pytest.raises(NotFoundError):
            call()
    inference, configuration = http_requests
    assert inference.startswith(b"POST " + path + b"/infer HTTP/1.1\r\n")
    assert inference.endswith(b"\r\n\r\n" + b"".join(encode(REQUEST)[0]))
    assert configuration.startswith(b"GET " + path + b"/config HTTP/1.1\r\n")


def test_where_nothing_listens_no_server_is_available(nobody: str) -> None:
    with pytest.raises(UnavailableError, match=nobody) as caught:
        transport(nobody).infer(REQUEST)
    assert caught.value.__cause__ is not None


@pytest.mark.timeout(5)  # a client that waits for longer fails here
def test_a_server_that_never_answers_exceeds_the_deadline(black_hole: str) -> None:
    with pytest.raises(DeadlineExceededError, match=rf"{black_hole} did not answer within 0\.2 s") as caught:
        transport(black_hole).infer(HASTY)
    assert caught.value.__cause__ is not None


@pytest.mark.timeout(5)
def test_a_server_that_never_tells_its_parameters_exceeds_the_deadline(black_hole: str) -> None:
    with pytest.raises(DeadlineExceededError, match=r"0\.2 s"):
        transport(black_hole).parameters(timeout_s=0.2)


def test_a_server_that_closes_at_once_is_unavailable(slammed_door: str) -> None:
    with pytest.raises(UnavailableError, match=slammed_door):
        transport(slammed_door).infer(REQUEST)


@pytest.mark.parametrize(
    "cut", [b"", answer(b"200 OK", HEADER + SCORE, LENGTH)[:-1]], ids=["before the answer", "within the answer"]
)
def test_a_server_that_dies_while_it_answers_is_unavailable(cut: bytes, http_server: Callable[[bytes], str]) -> None:
    with pytest.raises(UnavailableError, match="broke") as caught:
        transport(http_server(cut)).infer(REQUEST)
    assert caught.value.__cause__ is not None


def test_a_server_of_another_protocol_breaks_the_contract(http_server: Callable[[bytes], str]) -> None:
    with pytest.raises(ProtocolError, match="does not speak HTTP"):
        transport(http_server(b"220 mail.example ESMTP\r\n")).infer(REQUEST)


def test_the_grpc_port_breaks_the_contract(grpc_server: Callable[..., str]) -> None:
    authority = grpc_server(ModelInfer=lambda _, __: service_pb2.ModelInferResponse())
    with pytest.raises(ProtocolError, match="does not speak HTTP"):
        transport(authority).infer(REQUEST)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(b"404 Not Found", NotFoundError), (b"403 Forbidden", PermissionDeniedError), (b"503 Busy", UnavailableError)],
)
def test_a_page_of_another_server_is_not_shown(
    status: bytes, kind: type[TriptychError], http_server: Callable[[bytes], str]
) -> None:
    authority = http_server(answer(status, PAGE, b"Content-Type: text/html\r\n"))
    with pytest.raises(kind) as caught:
        transport(authority).infer(REQUEST)
    code, reason = status.decode().split(" ", 1)
    said, _, _ = str(caught.value).partition("; this client sends no key")
    assert said == f"http://{authority}: HTTP {code}: {reason}"


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b'"error"', b'{"message": "no"}', b"\xff"])
def test_a_failure_without_triton_s_words_shows_the_status(body: bytes, http_server: Callable[[bytes], str]) -> None:
    with pytest.raises(NotFoundError, match=r"HTTP 404: Not Found$"):
        transport(http_server(answer(b"404 Not Found", body))).infer(REQUEST)


def test_only_the_first_line_of_a_long_failure_is_shown(http_server: Callable[[bytes], str]) -> None:
    body = json.dumps({"error": "x" * 500 + "\nsecond line"}).encode()
    with pytest.raises(NotFoundError, match=r"HTTP 404: x{320}…$"):
        transport(http_server(answer(b"404 Not Found", body))).infer(REQUEST)


def test_a_refusal_keeps_all_of_its_lines(http_server: Callable[[bytes], str]) -> None:
    body = json.dumps({"error": "[0] empty_image: 0 bytes\n[1] empty_image: 0 bytes"}).encode()
    with pytest.raises(InvalidArgumentError) as caught:
        transport(http_server(answer(b"400 Bad Request", body))).infer(REQUEST)
    assert str(caught.value) == "[0] empty_image: 0 bytes\n[1] empty_image: 0 bytes"


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"307 Temporary Redirect", b"308 Permanent Redirect"])
def test_a_redirect_is_not_followed(status: bytes, http_server: Callable[[bytes], str]) -> None:
    elsewhere = http_server(answer(b"200 OK", HEADER + SCORE, LENGTH))
    authority = http_server(answer(status, b"", f"Location: http://{elsewhere}/\r\n".encode()))
    with pytest.raises(ProtocolError, match=f"{authority}: HTTP {status[:3].decode()}"):
        transport(authority).infer(REQUEST)


@pytest.mark.parametrize("body", [b"", PAGE, b"{}", HEADER])
def test_a_good_status_with_another_body_breaks_the_contract(body: bytes, http_server: Callable[[bytes], str]) -> None:
    with pytest.raises(ProtocolError):
        transport(http_server(answer(b"200 OK", body, b"Inference-Header-Content-Length: 9999\r\n"))).infer(REQUEST)


def test_parameters_are_read_from_the_configuration(http_server: Callable[[bytes], str]) -> None:
    body = b'{"name": "image_classifier", "parameters": {"health_class_id": {"string_value": "967"}}}'
    assert transport(http_server(answer(b"200 OK", body))).parameters(timeout_s=10.0) == {"health_class_id": "967"}


def test_a_configuration_without_parameters_has_none(http_server: Callable[[bytes], str]) -> None:
    assert transport(http_server(answer(b"200 OK", b'{"name": "another"}'))).parameters(timeout_s=10.0) == {}


@pytest.mark.parametrize("body", [b"", PAGE, b"[]", b'{"parameters": []}', b'{"parameters": {"a": "b"}}'])
def test_parameters_of_another_shape_break_the_contract(body: bytes, http_server: Callable[[bytes], str]) -> None:
    with pytest.raises(ProtocolError, match="no model configuration"):
        transport(http_server(answer(b"200 OK", body))).parameters(timeout_s=10.0)


def test_a_closed_transport_is_unavailable_and_closes_twice(http_server: Callable[[bytes], str]) -> None:
    closed = transport(http_server(answer(b"200 OK", HEADER + SCORE, LENGTH)))
    closed.close()
    closed.close()
    with pytest.raises(UnavailableError):
        closed.infer(REQUEST)


def test_an_answer_that_trickles_ends_at_the_deadline(trickle: str) -> None:
    with pytest.raises(DeadlineExceededError, match=r"within 0\.2 s"):
        transport(trickle).infer(HASTY)


def test_a_proxy_in_the_environment_is_not_used(
    http_server: Callable[[bytes], str], nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{nobody}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    authority = http_server(answer(b"200 OK", HEADER + SCORE, LENGTH))
    assert transport(authority).infer(REQUEST).model_version == "7"
