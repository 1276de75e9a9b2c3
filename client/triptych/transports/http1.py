"""HTTP/1.1 for one request at a time on a connection, without I/O: bytes in, bytes out.

Source: https://www.rfc-editor.org/rfc/rfc9112
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Found = TypeVar("Found")

MAX_HEAD_BYTES = 64 * 1024
"""Of all that is no body in an answer: interim answers, headers, extensions of chunks, trailers. Each of them is free
for a server to send, so an endless one must not keep a reader busy."""
MAX_BODY_BYTES = 64 * 1024 * 1024
"""Many times the largest answer: an endless one must not fill the memory."""

_BODILESS = frozenset({204, 304})
_STATUS = re.compile(rb"HTTP/1\.([01]) (\d{3})(?: ([^\r\n]*))?\r?\n")
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})([ \t]*+(?:;[^\r\n]*+)?)\r\n")
_CHUNK_SIZE_BYTES = 256  # the longest such line
_TRAILER = re.compile(rb"[^\r\n]*+\r\n")
# Possessive, as white space fits two of its parts: the time would grow with the square of its length.
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]++):[ \t]*+([^\r\n]*+)\r?\n")
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
    """Puts one answer together from what arrives, with a body of at most `max_body_bytes`.

    Every call of `feed` takes time in proportion to the bytes that it is given, whatever they are and however the
    answer is cut, so that a caller who looks at the clock between two calls keeps a deadline.
    """

    def __init__(self, *, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self._max_body_bytes = max_body_bytes
        self._arrived = bytearray()
        self._begun = False
        self._searched = 0  # bytes of `_arrived` in which no line's or head's end was found
        self._overhead_left = MAX_HEAD_BYTES
        self._head: tuple[int, str, Headers, bool] | None = None
        self._chunked = self._measured = False  # whether its body comes in chunks; whether it says where it ends
        self._length: int | None = None  # of its body, where it says so and there are no chunks
        self._body = bytearray()  # of chunks
        self._trailers: int | None = None  # lines of the trailer so far; None before the last chunk

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
            body = b"" if self._head[0] in _BODILESS else self._read_body(ended=not data)
            if body is not None:
                return self._whole(body)
        if not data:
            raise EndedEarlyError("the server closed the connection before its answer was whole")
        if self._head is not None and len(self._arrived) > self._max_body_bytes:
            raise NotHttpError("the answer has no end")
        return None

    def _read_head(self) -> bool:
        """Whether one was read that is only an interim answer, so that another follows."""
        if not b"HTTP/1.".startswith(self._arrived[:7]):
            raise NotHttpError(f"the answer begins with {bytes(self._arrived[:16])!r}")
        end = _HEAD_END.search(self._arrived, max(0, self._searched - 3))
        self._searched = len(self._arrived)
        if end is None:
            self._check_overhead(len(self._arrived))
            return False
        head = self._take_overhead(end.end())
        line = _STATUS.match(head)
        if line is None:
            raise NotHttpError(f"the answer begins with {head[:16]!r}")
        headers = Headers.read(head, line.end())
        status, reason = int(line[2]), (line[3] or b"").decode("latin-1").strip()
        if status < 200:
            return True
        persistent = line[1] == b"1" and "close" not in (headers.get("Connection") or "").lower()
        self._head = status, reason, headers, persistent
        self._measure(status, headers)
        return False

    def _measure(self, status: int, headers: Headers) -> None:
        """Learn how long the body is."""
        encoding, lengths = headers.get("Transfer-Encoding"), headers.get_all("Content-Length")
        self._chunked = encoding is not None and "chunked" in encoding.lower()
        self._measured = status in _BODILESS or (bool(lengths) if encoding is None else self._chunked)
        if encoding is None and lengths and status not in _BODILESS:
            length = ", ".join(sorted({each.strip() for each in lengths}))
            if not _LENGTH.fullmatch(length) or int(length) > self._max_body_bytes:
                raise NotHttpError(f"its Content-Length is {length[:40]!r}")
            self._length = int(length)

    def _read_body(self, *, ended: bool) -> bytes | None:
        if self._length is not None:
            return self._take(self._length) if len(self._arrived) >= self._length else None
        if self._chunked:
            return self._read_chunks()
        return self._take(len(self._arrived)) if ended else None

    def _read_chunks(self) -> bytes | None:
        if self._trailers is None:
            self._take(self._copy_chunks())
        return None if self._trailers is None else self._read_trailers()

    def _copy_chunks(self) -> int:
        """Copy the whole chunks to the body, and say where they end: all at once, as each removal takes time."""
        end = 0
        while True:
            size = _CHUNK_SIZE.match(self._arrived, end, end + _CHUNK_SIZE_BYTES)
            if size is None:
                beginning = self._arrived[end : end + _CHUNK_SIZE_BYTES]
                if b"\n" in beginning or len(beginning) == _CHUNK_SIZE_BYTES:
                    raise NotHttpError("a chunk's size cannot be read")
                return end
            start, count = size.end(), int(size[1], 16)
            if len(self._body) + count > self._max_body_bytes:
                raise NotHttpError("the answer has no end")
            if count and len(self._arrived) < start + count + 2:
                return end
            self._check_overhead(len(size[2]))
            self._overhead_left -= len(size[2])
            if count == 0:
                self._trailers = self._searched = 0
                return start
            self._body += self._arrived[start : start + count]
            end = start + count + 2
            if self._arrived[end - 2 : end] != b"\r\n":
                raise NotHttpError("a chunk is longer than its size")

    def _read_trailers(self) -> bytes | None:
        """The body, once the trailer behind its chunks has ended, of which nothing is needed."""
        assert self._trailers is not None  # noqa: S101  for the type checker
        while (found := self._arrived.find(b"\n", self._searched)) >= 0:
            line = self._take_overhead(found + 1)
            if not _TRAILER.fullmatch(line):
                raise NotHttpError("its trailers cannot be read")
            if line == b"\r\n":
                return bytes(self._body)
            self._trailers += 1
            if self._trailers > _MOST_FIELDS:
                raise NotHttpError("its trailers have no end")
        self._searched = len(self._arrived)
        self._check_overhead(len(self._arrived))
        return None

    def _check_overhead(self, count: int) -> None:
        if count > self._overhead_left:
            raise NotHttpError(f"what it has beside its body is more than {MAX_HEAD_BYTES} bytes")

    def _take_overhead(self, count: int) -> bytes:
        """Take so many bytes that are no body."""
        self._check_overhead(count)
        self._overhead_left -= count
        self._searched = 0
        return self._take(count)

    def _take(self, count: int) -> bytes:
        taken = bytes(self._arrived[:count])
        del self._arrived[:count]
        return taken

    def _whole(self, body: bytes) -> Answer:
        assert self._head is not None  # noqa: S101  for the type checker
        status, reason, headers, persistent = self._head
        return Answer(status, reason, headers, body, reusable=persistent and self._measured and not self._arrived)
