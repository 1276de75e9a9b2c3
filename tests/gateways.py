"""The gateway inside the test's process, on a thread with an event loop of its own; and plain HTTP to talk to it."""

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import uvloop

from triptych_ops.gateway import Limits, Settings, serve

IMAGE = {"Content-Type": "image/jpeg"}


@dataclass(frozen=True)
class Answer:
    """What came back; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object that the body is."""
        document: dict[str, Any] = json.loads(self.body)
        return document

    @property
    def kind(self) -> str:
        """Of the problem that it is."""
        assert self.headers["content-type"] == "application/problem+json", self
        assert self.document["status"] == self.status
        assert self.document["request_id"] == self.headers.get("x-request-id", "")
        return str(self.document["type"].rsplit(":", 1)[1])


@dataclass
class RunningGateway:
    """`reports` is what its operator was told."""

    url: str
    reports: list[str] = field(default_factory=list)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        parts = urlsplit(self.url)
        return str(parts.hostname), int(parts.port or 0)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection(*self.address, timeout=20)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            lines = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, lines, answer.read())
        finally:
            connection.close()

    def classify(self, image: bytes, path: str = "/classify", **headers: str) -> Answer:
        """One image as the body."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", path, image, {**IMAGE, **given})

    def connect(self) -> socket.socket:
        """A connection without a request."""
        return socket.create_connection(self.address, timeout=20)


@contextmanager
def running(*urls: str, limits: Limits | None = None, allow_origins: Sequence[str] = ()) -> Iterator[RunningGateway]:
    """The gateway to these servers on a free port, stopped at the end as by SIGTERM."""
    gateway, started = RunningGateway(""), threading.Event()
    settings = Settings(urls=urls, port=0, allow_origins=allow_origins, limits=limits or Limits())
    handles: dict[str, Any] = {}

    def begun(url: str) -> None:
        gateway.url = url
        started.set()

    async def main() -> None:
        handles.update(loop=asyncio.get_running_loop(), stop=asyncio.Event())
        await serve(settings, stop=handles["stop"], started=begun, report=gateway.reports.append)

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(main())
        except BaseException as error:  # raised where the test waits for it
            handles["error"] = error
        finally:
            started.set()

    thread = threading.Thread(target=run)
    thread.start()
    started.wait(20)
    try:
        yield gateway
    finally:
        if thread.is_alive():
            handles["loop"].call_soon_threadsafe(handles["stop"].set)
        thread.join(40)
        if "error" in handles:
            raise handles["error"]


def form(*files: tuple[str, bytes], boundary: str = "limit") -> tuple[bytes, dict[str, str]]:
    """A multipart body of files, and the headers that go with it."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
        + content
        + b"\r\n"
        for name, content in files
    ]
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}
