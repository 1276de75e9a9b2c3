"""A protobuf file without its large payloads: what describes a graph is small, what it weighs is not.

A graph of 500 MB is read in a few kilobytes: each field that is large is either looked into, skipped,
or kept, by a table. https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_BYTES = {_FIXED64: 8, _FIXED32: 4}
_LONGEST_VARINT = 10  # bytes
_DEEPEST = 32
_MOST_FIELDS = 2_000_000  # looked at one by one

LARGE_BYTES = 4096
MOST_BYTES = 64 << 20  # of what is kept


class WireError(ValueError):
    """It is no such file, or a part of one."""


@dataclass(frozen=True, slots=True)
class Message:
    """Which fields of a message are worth looking into, and which are payload. Others are kept as they are."""

    inner: Mapping[int, "Message"]
    payload: frozenset[int] = frozenset()


def describe(file: BinaryIO, size_bytes: int, message: Message) -> bytes:
    """The message in `file`, serialised again without payload that is large.

    Raises:
        WireError: it ends too soon, is nested too deep, or describes too much.
        OSError: it cannot be read.
    """
    return _Reader(file).message(message, size_bytes, depth=0)


class _Reader:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._at = 0
        self._kept_bytes = 0
        self._fields = 0

    def message(self, message: Message, end: int, *, depth: int) -> bytes:
        """What is kept of the fields up to the position `end`."""
        if depth > _DEEPEST:
            raise WireError("is nested too deep")
        kept = bytearray()
        while self._at < end:
            tag, raw = self._varint(end)
            number, wire_type = tag >> 3, tag & 7
            self._fields += 1
            if self._fields > _MOST_FIELDS:
                raise WireError(f"has more than {_MOST_FIELDS} parts")
            if wire_type == _VARINT:
                kept += raw + self._varint(end)[1]
            elif wire_type in _FIXED_BYTES:
                kept += raw + self._take(_FIXED_BYTES[wire_type], end)
            elif wire_type == _BYTES:
                kept += self._field(message, number, raw, end, depth=depth)
            else:
                raise WireError(f"is no protobuf at byte {self._at}")
        return bytes(kept)

    def _field(self, message: Message, number: int, tag: bytes, end: int, *, depth: int) -> bytes:
        length, raw_length = self._varint(end)
        if length > end - self._at:
            raise WireError(f"ends too soon: byte {self._at} of {end} begins {length} bytes")
        if length <= LARGE_BYTES:
            return tag + raw_length + self._take(length, end)
        if number in message.payload:
            self._at += length
            self._file.seek(self._at)
            return b""
        if number in message.inner:
            content = self.message(message.inner[number], self._at + length, depth=depth + 1)
            return tag + _encoded(len(content)) + content
        return tag + raw_length + self._take(length, end)

    def _varint(self, end: int) -> tuple[int, bytes]:
        value, raw = 0, b""
        while len(raw) < _LONGEST_VARINT:
            byte = self._take(1, end)
            value |= (byte[0] & 0x7F) << 7 * len(raw)
            raw += byte
            if byte[0] < 0x80:
                return value, raw
        raise WireError(f"is no protobuf at byte {self._at}")

    def _take(self, count: int, end: int) -> bytes:
        if count > end - self._at:
            raise WireError(f"ends too soon, at byte {end}")
        self._kept_bytes += count
        if self._kept_bytes > MOST_BYTES:
            raise WireError(f"describes more than {MOST_BYTES} bytes without its weights")
        content = self._file.read(count)
        if len(content) < count:
            raise WireError(f"ends too soon, at byte {self._at + len(content)}")
        self._at += count
        return content


def _encoded(number: int) -> bytes:
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
