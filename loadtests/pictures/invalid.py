"""What a server has to refuse: each for another reason. Small, so that refusing is all the work they make."""

import struct
import zlib
from collections.abc import Mapping
from typing import Final

from triptych import health

_PNG = b"\x89PNG\r\n\x1a\n"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _claiming(width: int, height: int) -> bytes:
    """A PNG whose header claims these pixels, and which has none."""
    return _PNG + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + _chunk(b"IEND", b"")


INVALID: Final[Mapping[str, bytes]] = {
    "invalid-text": b"this is no picture, whatever its name says\n" * 20,
    "invalid-half": health.image()[: len(health.image()) // 2],
    "invalid-huge": _claiming(60_000, 60_000),
}
