"""An object store whose answers break off: read again, and told in one line where they always do."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from s3fs import S3FileSystem

from triptych_ops.errors import OpsError, RefusedError
from triptych_ops.release.storage import Storage, base, open_storage

CONTENT = bytes(range(256)) * 40_000  # 10 MB, in three ranges


class Breaking(ThreadingHTTPServer):
    """Serves one file at every name; of the first `breaks` bodies half comes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.breaks = 0
        self.bodies = 0
        self.content = CONTENT
        self.lock = threading.Lock()


class _Answer(BaseHTTPRequestHandler):
    server: Breaking
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._begin(200, len(self.server.content))

    def do_GET(self) -> None:
        content, status = self.server.content, 200
        if asked := self.headers["Range"]:
            first, last = map(int, asked.removeprefix("bytes=").split("-"))
            content, status = content[first : last + 1], 206
        with self.server.lock:
            self.server.bodies += 1
            breaks = self.server.bodies <= self.server.breaks
        self._begin(status, len(content))
        with suppress(ConnectionError):  # whose reader has gone
            self.wfile.write(content[: len(content) // 2] if breaks else content)
        self.close_connection = breaks

    def _begin(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Mon, 03 Feb 2031 04:05:06 GMT")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name in the standard library
        """Nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Breaking]:
    with Breaking() as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        variables = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{serving.server_port}",
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        S3FileSystem.clear_instance_cache()
        yield serving
        S3FileSystem.clear_instance_cache()
        serving.shutdown()
        thread.join()


@pytest.fixture
def storage(server: Breaking) -> Storage:
    assert server.server_port
    return open_storage("s3://bucket/store")


@pytest.mark.parametrize("breaks", [0, 1, 2])
def test_a_body_that_breaks_off_is_read_again(storage: Storage, server: Breaking, breaks: int) -> None:
    server.breaks = breaks
    assert b"".join(storage.chunks("file")) == CONTENT
    assert server.bodies > breaks
    server.bodies = 0
    assert storage.read("file") == CONTENT
    assert server.bodies == breaks + 1


def test_a_body_that_always_breaks_off_is_one_line(storage: Storage, server: Breaking) -> None:
    server.breaks = 1_000
    uses: tuple[Callable[[], object], ...] = (
        lambda: storage.read("file"),
        lambda: b"".join(storage.chunks("file")),
    )
    for use in uses:
        with pytest.raises(OpsError, match="s3://bucket/store/file breaks off each time that it is read: ") as caught:
            use()
        assert str(caught.value).splitlines() == [str(caught.value)]
        assert str(caught.value).endswith("; try again")
    assert server.bodies < 20


def test_what_is_too_large_is_not_read_at_all(storage: Storage, server: Breaking) -> None:
    server.content = bytes(base.LARGEST_READ_BYTES)
    assert storage.read("file") == server.content
    server.content += b"x"
    with pytest.raises(RefusedError, match="s3://bucket/store/file is a link, a special file or larger than 16 MiB"):
        storage.read("file")
