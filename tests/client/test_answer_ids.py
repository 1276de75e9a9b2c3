"""Every answer is compared with its request, by the id that the server repeats."""

import json
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from tritonclient.grpc import service_pb2

from callers import PROTOCOLS, Caller
from triptych import Client, ProtocolError, Resilience, TriptychError, contract
from triptych.testing import Failure, FakeServer, label

DOWN = Failure("UNAVAILABLE", http=503)


def test_an_answer_without_an_id_is_refused(caller: Caller, protocol: str, server: FakeServer) -> None:
    server.echoes = False
    with caller(PROTOCOLS[protocol](server)) as classify:
        with pytest.raises(ProtocolError, match="names no request, so it may belong to another") as caught:
            classify(b"image")
        server.echoes = True
        assert classify(b"image").top.label == label(b"image")
    assert caught.value.request_id is not None
    assert caught.value.endpoint == PROTOCOLS[protocol](server)


def test_an_answer_to_another_request_is_refused_over_grpc(caller: Caller, grpc_server: Callable[..., str]) -> None:
    authority = grpc_server(ModelInfer=lambda _, __: service_pb2.ModelInferResponse(id="another", model_version="1"))
    with (
        caller(f"grpc://{authority}") as classify,
        pytest.raises(ProtocolError, match=r"belongs to another request \('another'\); it was discarded"),
    ):
        classify(b"image")


@pytest.fixture
def one_behind() -> Iterator[tuple[str, Sequence[int]]]:
    """A server that answers each request of a connection with the answer to the one before; and its connections."""
    connections: list[int] = []  # the requests of each

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            connections.append(0)
            number, last = len(connections) - 1, ""
            while line := self.rfile.readline():
                headers: dict[str, str] = {}
                while (line := self.rfile.readline().strip()) != b"":
                    name, _, value = line.decode().partition(": ")
                    headers[name.lower()] = value
                body = self.rfile.read(int(headers["content-length"]))
                asked = json.loads(body[: int(headers["inference-header-content-length"])])
                connections[number] += 1
                last, answered = asked["id"], last or asked["id"]
                self.wfile.write(_answer(answered))

    with ExitStack() as stack:
        server = stack.enter_context(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler))
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        yield f"http://127.0.0.1:{server.server_address[1]}", connections


def _answer(request_id: str) -> bytes:
    contents = {
        contract.CLASS_ID: struct.pack("<i", 7),
        contract.SCORE: struct.pack("<f", 0.5),
        contract.LABEL: struct.pack("<I", 3) + b"cat",
        contract.ERROR: struct.pack("<I", 0),
    }
    outputs = [
        {
            "name": name,
            "datatype": contract.OUTPUTS[name],
            "shape": [1, 1],
            "parameters": {"binary_data_size": len(data)},
        }
        for name, data in contents.items()
    ]
    header = json.dumps({"id": request_id, "model_version": "1", "outputs": outputs}).encode()
    body = header + b"".join(contents.values())
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nInference-Header-Content-Length: {len(header)}\r\n\r\n"
    return head.encode() + body


def test_a_connection_that_gave_the_answer_to_another_request_takes_no_more(
    caller: Caller, one_behind: tuple[str, Sequence[int]]
) -> None:
    url, connections = one_behind
    with caller(url) as classify:
        assert classify(b"first").top.label == "cat"
        with pytest.raises(ProtocolError, match="belongs to another request"):
            classify(b"second")
        assert classify(b"third").top.label == "cat"
    assert connections == [2, 1]


def test_each_attempt_has_an_id_of_its_own(caller: Caller, protocol: str) -> None:
    with (
        FakeServer(failure=lambda number: DOWN if number < 3 else None) as server,
        caller(PROTOCOLS[protocol](server)) as classify,
    ):
        found = classify(b"image")
    base = found.request_id.removesuffix("-3")
    assert found.request_id == f"{base}-3"
    assert found.attempts == 3


def test_an_error_tells_of_its_request(caller: Caller, protocol: str, server: FakeServer) -> None:
    server.set_error(b"half", "corrupt_image", "it is cut off")
    url = PROTOCOLS[protocol](server)
    with caller(url) as classify:
        errors: list[Any] = []
        for image in (b"half", b"", b"other"):
            if image == b"other":
                server.fails = DOWN
            with pytest.raises(Exception) as caught:  # noqa: PT011  of several kinds
                classify(image)
            errors.append(caught.value)
    rejected, unsent, down = errors
    assert (rejected.code, rejected.message, rejected.endpoint, rejected.attempts) == (
        *("corrupt_image", "it is cut off"),
        *(url, 1),
    )
    assert (unsent.code, unsent.request_id, unsent.endpoint, unsent.attempts) == ("empty_image", None, None, 0)
    assert (down.endpoint, down.attempts, down.request_id[-2:]) == (url, 4, "-4")


def test_images_of_one_request_that_fail_tell_of_it(url: str, server: FakeServer) -> None:
    server.set_error(b"half")
    with Client(url) as client:
        good, bad = client.classify_many([b"whole", b"half"])
    assert (bad.request_id, bad.endpoint, bad.attempts) == (good.request_id, good.endpoint, good.attempts)


def test_a_call_that_was_not_sent_tells_so(nobody: str) -> None:
    policy = Resilience(retry=None)
    with Client(f"http://{nobody}", resilience=policy) as client:
        errors = []
        for _ in range(21):
            with pytest.raises(TriptychError) as caught:
                client.classify(b"image")
            errors.append(caught.value)
    assert errors[0].attempts == 1
    assert (errors[-1].attempts, errors[-1].request_id, errors[-1].endpoint) == (0, None, None)
