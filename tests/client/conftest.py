"""Small real servers on loopback, addresses where nobody answers, and a client without a network."""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, BinaryIO, cast

import grpc
import pytest
from tritonclient.grpc import service_pb2

from callers import PROTOCOLS
from triptych import Client, Resilience
from triptych.testing import FakeServer

from .clock import Clock
from .fake_transport import FakeTransport

LOOPBACK = "127.0.0.1"


@pytest.fixture
def http_requests() -> list[bytes]:
    """What the HTTP servers of this test were sent, whole."""
    return []


@pytest.fixture
def http_server(http_requests: list[bytes]) -> Iterator[Callable[[bytes], str]]:
    """Start a server that reads one request a connection and sends these bytes; its `host:port`."""
    with ExitStack() as stack:

        def start(answer: bytes) -> str:
            class Handler(socketserver.StreamRequestHandler):
                def handle(self) -> None:
                    http_requests.append(_read_request(cast(BinaryIO, self.rfile)))
                    self.wfile.write(answer)

            server = stack.enter_context(socketserver.ThreadingTCPServer((LOOPBACK, 0), Handler))
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return f"{LOOPBACK}:{server.server_address[1]}"

        yield start


@pytest.fixture
def grpc_server() -> Iterator[Callable[..., str]]:
    """Start Triton's gRPC service with these functions (request, context) -> response; its `host:port`."""
    with ExitStack() as stack:

        def start(**functions: Callable[[Any, Any], Any]) -> str:
            pool = stack.enter_context(ThreadPoolExecutor(2))
            server = grpc.server(pool)
            handlers = {
                name: grpc.unary_unary_rpc_method_handler(
                    function,
                    request_deserializer=getattr(service_pb2, f"{name}Request").FromString,
                    response_serializer=getattr(service_pb2, f"{name}Response").SerializeToString,
                )
                for name, function in functions.items()
            }
            service = grpc.method_handlers_generic_handler("inference.GRPCInferenceService", handlers)
            server.add_generic_rpc_handlers((service,))
            port = server.add_insecure_port(f"{LOOPBACK}:0")
            server.start()
            stack.callback(lambda: server.stop(None).wait())
            return f"{LOOPBACK}:{port}"

        yield start


@pytest.fixture
def clock() -> Clock:
    """The time of `client`."""
    return Clock()


@pytest.fixture
def transport() -> FakeTransport:
    """What `client` talks to."""
    return FakeTransport()


@pytest.fixture
def client(transport: FakeTransport, clock: Clock) -> Iterator[Client]:
    """A client of `transport` without retries, whose time is `clock`."""
    once = replace(Resilience(), retry=None)
    with Client(
        timeout_s=4.0, resilience=once, connect=lambda _: transport, clock=clock.now, sleep=clock.sleep
    ) as client:
        assert transport.requests == []
        yield client


@pytest.fixture
def nobody() -> Iterator[str]:
    """The `host:port` of a port that is taken but refuses every connection."""
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        yield f"{LOOPBACK}:{taken.getsockname()[1]}"


@pytest.fixture
def black_hole() -> Iterator[str]:
    """The `host:port` of a listener that lets callers connect and never says a word."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        yield f"{LOOPBACK}:{listener.getsockname()[1]}"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server of release 7."""
    with FakeServer(release=7) as running:
        yield running


@pytest.fixture
def other() -> Iterator[FakeServer]:
    """One of release 8."""
    with FakeServer(release=8) as running:
        yield running


@pytest.fixture(params=PROTOCOLS)
def url_of(request: pytest.FixtureRequest) -> Callable[[FakeServer], str]:
    """The URL of a server in either protocol."""
    return PROTOCOLS[request.param]


@pytest.fixture
def url(url_of: Callable[[FakeServer], str], server: FakeServer) -> str:
    """That of `server`."""
    return url_of(server)


def _read_request(stream: BinaryIO) -> bytes:
    head, length = b"", 0
    while (line := stream.readline()).strip():
        head += line
        name, _, value = line.decode().partition(":")
        if name.lower() == "content-length":
            length = int(value)
    return head + line + stream.read(length)
