"""A web server of images on loopback."""

import socketserver
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType


@dataclass(frozen=True, slots=True)
class Page:
    """What is answered; `pause_s` goes by before each byte of the body."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pause_s: float = 0.0
    measured: bool = True  # has a Content-Length


class ImageServer:
    """Answers each path with its page. A context manager.

    certificate: its file and that of its key, in PEM; None for plain HTTP
    requests: path and headers of each request
    """

    def __init__(self, pages: Mapping[str, Page], *, certificate: tuple[Path, Path] | None = None) -> None:
        self._pages = dict(pages)
        self.requests: list[tuple[str, Mapping[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append((self.path, dict(self.headers)))
                page = outer._pages[self.path]
                self.send_response_only(page.status)
                for name, value in page.headers.items():
                    self.send_header(name, value)
                if page.measured:
                    self.send_header("Content-Length", str(len(page.body)))
                self.end_headers()
                pieces = [page.body] if not page.pause_s else [page.body[at : at + 1] for at in range(len(page.body))]
                try:
                    for piece in pieces:
                        time.sleep(page.pause_s)
                        self.wfile.write(piece)
                except ConnectionError:
                    pass

            def handle(self) -> None:
                with suppress(ConnectionError, ssl.SSLError):
                    super().handle()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's own name
                pass

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*certificate)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    def add(self, path: str, page: Page) -> None:
        self._pages[path] = page

    def __enter__(self) -> "ImageServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
