"""HTTP/1.1 for one request at a time on a connection, without I/O: bytes in, bytes out.

Source: https://www.rfc-editor.org/rfc/rfc9112
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Found = TypeVar("Found")

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 64 * 1024 * 1024
"""Many times the largest answer: an endless one must not fill the memory."""

_BODILESS = frozenset({204, 304})
_STATUS = re.compile(rb"HTTP/1\.([01]) (\d{3})(?: ([^\r\n]*))?\r?\n")
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
_TRAILER = re.compile(rb"(?:[^\r\n]+\r\n)*\r\n")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*)\r?\n")
_EMPTY = re.compile(rb"\r?\n")
_MOST_FIELDS = 100
_HEAD_END = re.compile(rb"\r?\n\r?\n")


class NotHttpError(Exception):
    """The bytes are no answer of HTTP/1.1, or one without measure."""


class StatusError(Exception):
    """The answer has another status than 200."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class UnansweredError(Exception):
    """A connection broke before a byte of the answer came; its cause says how."""


class EndedEarlyError(ConnectionError):
    """The connection ended before the answer was whole."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; `reusable`: the connection takes another request."""

    status: int
    reason: str
    headers: "Headers"
    body: bytes
    reusable: bool


def required(found: Found | None) -> Found:
    """The answer that was found.

    Raises:
        EndedEarlyError: there is none.
    """
    if found is None:
        raise EndedEarlyError("the server closed the connection without an answer")
    return found


def request(
    method: str, path: str, *, host: str, headers: Mapping[str, str], body: bytes | Sequence[bytes] = ()
) -> bytes:
    """One request; `body` may come in pieces."""
    body = (body,) if isinstance(body, bytes) else body
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    if any(body) or method == "POST":
        lines.append(f"Content-Length: {sum(map(len, body))}")
    return b"".join(["\r\n".join([*lines, "", ""]).encode("latin-1"), *body])


class Headers:
    """Fields of an answer, by names in any case."""

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        self._fields = fields

    @classmethod
    def read(cls, head: bytes, start: int) -> "Headers":
        """Those of a head, behind its first line.

        Raises:
            NotHttpError: there are none, or very many.
        """
        fields: list[tuple[str, str]] = []
        while (field := _FIELD.match(head, start)) and len(fields) <= _MOST_FIELDS:
            fields.append((field[1].decode("latin-1").lower(), field[2].rstrip(b" \t").decode("latin-1")))
            start = field.end()
        if not _EMPTY.fullmatch(head, start):
            raise NotHttpError("its headers cannot be read")
        return cls(fields)

    def get(self, name: str) -> str | None:
        """The first of this name."""
        return next(iter(self.get_all(name)), None)

    def __getitem__(self, name: str) -> str:
        for value in self.get_all(name):
            return value
        raise KeyError(name)

    def get_all(self, name: str) -> list[str]:
        """All of this name."""
        wanted = name.lower()
        return [value for each, value in self._fields if each == wanted]

    def __contains__(self, name: str) -> bool:
        return bool(self.get_all(name))


class AnswerReader:
    """Puts one answer together from what arrives, with a body of at most `max_body_bytes`."""

    def __init__(self, *, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self._max_body_bytes = max_body_bytes
        self._arrived = bytearray()
        self._begun = False
        self._head: tuple[int, str, Headers, bool] | None = None
        self._chunks: list[bytes] = []
        self._chunks_bytes = 0

    @property
    def begun(self) -> bool:
        """Whether a byte of it has arrived."""
        return self._begun

    def feed(self, data: bytes) -> Answer | None:
        """Take what arrived, `b""` at the end of the connection; the answer once it is whole.

        Raises:
            EndedEarlyError: the connection ended before that.
            NotHttpError: this is no HTTP.
        """
        self._begun = self._begun or bool(data)
        self._arrived += data
        while self._head is None and self._read_head():
            pass
        if self._head is not None:
            status, _, headers, _ = self._head
            body = b"" if status in _BODILESS else self._read_body(headers, ended=not data)
            if body is not None:
                return self._whole(body)
        if not data:
            raise EndedEarlyError("the server closed the connection before its answer was whole")
        if len(self._arrived) > (MAX_HEAD_BYTES if self._head is None else self._max_body_bytes):
            raise NotHttpError("the answer has no end")
        return None

    def _read_head(self) -> bool:
        """Whether one was read that is only an interim answer, so that another follows."""
        if not b"HTTP/1.".startswith(self._arrived[:7]):
            raise NotHttpError(f"the answer begins with {bytes(self._arrived[:16])!r}")
        end = _HEAD_END.search(self._arrived)
        if end is None:
            return False
        head = bytes(self._arrived[: end.end()])
        line = _STATUS.match(head)
        if line is None:
            raise NotHttpError(f"the answer begins with {head[:16]!r}")
        headers = Headers.read(head, line.end())
        del self._arrived[: end.end()]
        status, reason = int(line[2]), (line[3] or b"").decode("latin-1").strip()
        if status < 200:
            return True
        persistent = line[1] == b"1" and "close" not in (headers.get("Connection") or "").lower()
        self._head = status, reason, headers, persistent
        return False

    def _read_body(self, headers: Headers, *, ended: bool) -> bytes | None:
        if "chunked" in (headers.get("Transfer-Encoding") or "").lower():
            return self._read_chunks()
        if not _is_measured(headers):
            return self._take(len(self._arrived)) if ended else None
        length = ", ".join(sorted({each.strip() for each in headers.get_all("Content-Length")}))
        if not _LENGTH.fullmatch(length) or int(length) > self._max_body_bytes:
            raise NotHttpError(f"its Content-Length is {length[:40]!r}")
        return self._take(int(length)) if len(self._arrived) >= int(length) else None

    def _read_chunks(self) -> bytes | None:
        while True:
            if len(self._arrived) < 3:
                return None
            size = _CHUNK_SIZE.match(self._arrived)
            if size is None:
                if b"\n" in self._arrived[:256] or len(self._arrived) > 256:
                    raise NotHttpError("a chunk's size cannot be read")
                return None
            start, count = size.end(), int(size[1], 16)
            if count == 0:
                trailer = _TRAILER.match(self._arrived, start)
                if trailer is None:
                    return None
                self._take(trailer.end())
                return b"".join(self._chunks)
            if self._chunks_bytes + count > self._max_body_bytes:
                raise NotHttpError("the answer has no end")
            if len(self._arrived) < start + count + 2:
                return None
            self._chunks.append(self._take(start + count + 2)[start:-2])
            self._chunks_bytes += count

    def _take(self, count: int) -> bytes:
        taken = bytes(self._arrived[:count])
        del self._arrived[:count]
        return taken

    def _whole(self, body: bytes) -> Answer:
        assert self._head is not None  # noqa: S101  for the type checker
        status, reason, headers, persistent = self._head
        measured = status in _BODILESS or _is_measured(headers)
        return Answer(status, reason, headers, body, reusable=persistent and measured and not self._arrived)


def _is_measured(headers: Headers) -> bool:
    """Whether the body says where it ends, so that the connection need not."""
    encoding = headers.get("Transfer-Encoding")
    return "Content-Length" in headers if encoding is None else "chunked" in encoding.lower()
