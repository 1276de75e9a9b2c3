"""Bytes of HTTP/1.1, as little of it as a load generator needs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Frame:
    """Where an answer ends, as its head says."""

    body_start: int
    end: int
    closes: bool  # the server ends the connection after it


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer."""

    status: int
    head: bytes  # from the status line on, without the empty line
    body: bytes


class MalformedAnswerError(Exception):
    """The bytes are no HTTP answer with a Content-Length."""


def post(path: str, body: bytes, *, headers: Mapping[str, str] | None = None) -> bytes:
    """A whole request."""
    lines = {"Host": "localhost", "Content-Type": "image/jpeg", "Content-Length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def get(path: str) -> bytes:
    """A whole request."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def find_frame(received: bytes | bytearray) -> Frame | None:
    """Where the answer that starts with `received` ends; None while its head is incomplete.

    Raises:
        MalformedAnswerError: the head names no length.
    """
    head_end = received.find(_END_OF_HEAD)
    if head_end < 0:
        return None
    length = _LENGTH.search(received, 0, head_end)
    if length is None or not received.startswith(b"HTTP/1."):
        raise MalformedAnswerError(f"no answer with a Content-Length: {bytes(received[:80])!r}")
    body_start = head_end + len(_END_OF_HEAD)
    return Frame(body_start, body_start + int(length[1]), _CLOSE.search(received, 0, head_end) is not None)


def parse_answer(received: bytes | bytearray, frame: Frame) -> Answer:
    """The whole answer that `received` is.

    Raises:
        MalformedAnswerError: its status line or length is not HTTP's.
    """
    status = bytes(received[9:12])
    if not status.isdigit() or len(received) != frame.end:
        raise MalformedAnswerError(f"{len(received)} bytes instead of {frame.end}: {bytes(received[:80])!r}")
    head = bytes(received[: frame.body_start - len(_END_OF_HEAD)])
    return Answer(int(status), head, bytes(received[frame.body_start :]))
