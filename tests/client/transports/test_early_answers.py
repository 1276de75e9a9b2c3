"""HTTP answers that come while the request is still being sent."""

import http.client
import json
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from callers import Caller
from certificates import Authority
from triptych import OverloadedError, PermissionDeniedError, Resilience, Tls, TooLargeError, TriptychError, contract

LARGE = bytes(contract.MAX_IMAGE_BYTES)  # several times what the kernel takes from a sender whom nobody reads
ONCE = Resilience.off()


class Impatient:
    """Answers what it has read a request's head of, and reads no further.

    hangs_up: closes the connection after its answer, which resets it, as there is more to read
    """

    def __init__(self, status: int, *, hangs_up: bool, tls: tuple[Path, Path] | None = None) -> None:
        body = json.dumps({"error": "no, thank you"}).encode()
        self._answer = f"HTTP/1.1 {status} No\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        self._hangs_up = hangs_up
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
        if self._context and tls:
            self._context.load_cert_chain(*tls)
        self._left = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> "Impatient":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or a reset overtakes the answer
                with connection, suppress(OSError):
                    self._refuse(connection)

    def _refuse(self, connection: socket.socket) -> None:
        stream = self._context.wrap_socket(connection, server_side=True) if self._context else connection
        with stream:
            stream.recv(65536)
            stream.sendall(self._answer)
            if not self._hangs_up:
                self._left.wait()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture(params=["plain", "TLS"])
def tls(request: pytest.FixtureRequest, authority: Authority) -> tuple[Path, Path] | None:
    return authority.issue("server") if request.param == "TLS" else None


@pytest.mark.parametrize(
    ("status", "kind", "hangs_up"),
    [
        (413, TooLargeError, False),
        (413, TooLargeError, True),
        (429, OverloadedError, False),
        (401, PermissionDeniedError, True),
    ],
)
def test_an_answer_is_heard_before_all_is_sent(
    caller: Caller,
    tls: tuple[Path, Path] | None,
    authority: Authority,
    hangs_up: bool,
    status: int,
    kind: type[TriptychError],
) -> None:
    settings = {"tls": Tls(ca=authority.file)} if tls else {}
    with (
        Impatient(status, hangs_up=hangs_up, tls=tls) as server,
        caller(server.url, resilience=ONCE, timeout_s=20.0, **settings) as classify,
        pytest.raises(kind, match="no, thank you"),
    ):
        classify(LARGE)


def test_a_client_that_sends_all_first_hears_nothing() -> None:
    """The control: so does http.client."""
    with Impatient(413, hangs_up=False) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=0.3)
        with pytest.raises(TimeoutError):
            connection.request("POST", "/", LARGE)
        connection.close()
