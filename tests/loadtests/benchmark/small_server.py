"""A small HTTP server in a thread: it answers what it is told to, after a time."""

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

RIGHT = 3
BODY = json.dumps({"predictions": [{"class_id": RIGHT}]}).encode()


def answer(body: bytes = BODY, *, status: str = "200 OK", headers: str = "") -> bytes:
    """A whole answer."""
    return f"HTTP/1.1 {status}\r\n{headers}content-length: {len(body)}\r\n\r\n".encode() + body


class SmallServer:
    """Answers the n-th request, counted from 0, with `respond(n)`; b"" closes the connection instead."""

    def __init__(
        self, respond: Callable[[int], bytes] = lambda _: answer(), *, delay_s: float = 0.0, closes: bool = False
    ) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._respond = respond
        self._delay_s = delay_s
        self._closes = closes
        self._lock = threading.Lock()

    def __enter__(self) -> "SmallServer":
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while request := _read_request(connection):
                with self._lock:
                    number = len(self.requests)
                    self.requests.append(request)
                time.sleep(self._delay_s)
                response = self._respond(number)
                # In two parts, as most servers send them.
                connection.sendall(response[:40])
                connection.sendall(response[40:])
                if self._closes or not response:
                    return


def _read_request(connection: socket.socket) -> bytes:
    received, size = bytearray(), None
    while (data := connection.recv(1_000_000)) != b"":
        received += data
        if size is None and (end := received.find(b"\r\n\r\n")) >= 0:
            size = end + 4 + int(received.split(b"Content-Length: ")[1].split(b"\r\n")[0])
        if size is not None and len(received) >= size:
            return bytes(received)
    return b""
