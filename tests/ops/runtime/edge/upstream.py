"""Stands behind an edge in the place of Triton: answers every request, and remembers it."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc

from triptych_ops.runtime.ports import LOOPBACK, Ports


@dataclass(slots=True)
class FakeTriton:
    """What it saw, and how long it takes for an answer."""

    ports: Ports
    delay_s: float = 0.0
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def see(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """Remember a request, and take the time."""
        self.paths.append(path)
        self.headers.append(headers)
        self.bodies.append(body)
        time.sleep(self.delay_s)


@contextmanager
def fake_triton() -> Iterator[FakeTriton]:
    """A fake on free ports, over HTTP and gRPC."""
    fake = FakeTriton(Ports.free())

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "-1")))
            fake.see(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Calls(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
            metadata = dict(details.invocation_metadata)

            def answer(message: bytes, _context: grpc.ServicerContext) -> bytes:
                fake.see(details.method, metadata, message)
                return b""

            return grpc.unary_unary_rpc_method_handler(answer)

    http = ThreadingHTTPServer((LOOPBACK, fake.ports.http), Handler)
    http.daemon_threads = True
    serving = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    serving.start()
    calls = grpc.server(ThreadPoolExecutor(8), handlers=[Calls()], options=[("grpc.max_receive_message_length", -1)])
    calls.add_insecure_port(f"{LOOPBACK}:{fake.ports.grpc}")
    calls.start()
    yield fake
    calls.stop(grace=None).wait()
    http.shutdown()
    serving.join()
    http.server_close()
