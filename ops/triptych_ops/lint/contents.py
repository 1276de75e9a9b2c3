"""Rules of a file's first bytes: what it is, whatever its name says."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .findings import Finding
from .tree import Entry, Tree

_HEAD_BYTES = 512


class _Signature(NamedTuple):
    offset: int
    magic: bytes
    code: str
    what: str


_SIGNATURES = (
    _Signature(0, b"\x7fELF", "E109", "an ELF binary"),
    _Signature(0, b"MZ\x90\x00", "E109", "a Windows binary"),
    *(
        _Signature(0, magic, "E109", "a macOS binary")
        for magic in (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
    ),
    *(_Signature(0, bytes([0x80, protocol]), "E110", "a pickle") for protocol in (2, 3, 4, 5)),
    _Signature(0, b"\x93NUMPY", "E110", "a NumPy file, which can hold a pickle"),
    _Signature(0, b"PK\x03\x04", "E111", "a zip archive"),
    _Signature(0, b"PK\x05\x06", "E111", "a zip archive"),
    _Signature(0, b"\x1f\x8b", "E111", "gzip"),
    _Signature(0, b"\xfd7zXZ\x00", "E111", "xz"),
    _Signature(0, b"\x28\xb5\x2f\xfd", "E111", "zstd"),
    _Signature(0, b"7z\xbc\xaf\x27\x1c", "E111", "a 7z archive"),
    _Signature(4, b"1AY&SY", "E111", "bzip2"),
    _Signature(257, b"ustar", "E111", "a tar archive"),
)


def recognise(path: str, head: bytes) -> Iterator[Finding]:
    """What may not lie in a repository, by its first bytes."""
    for signature in _SIGNATURES:
        if head.startswith(signature.magic, signature.offset):
            yield Finding.of(signature.code, path, f"holds {signature.what}")
            return


def check(tree: Tree, entries: Iterable[Entry]) -> Iterator[Finding]:
    """Read the first bytes of these plain files."""
    for entry in entries:
        try:
            yield from recognise(entry.path, tree.read(entry.path, most_bytes=_HEAD_BYTES))
        except OSError as error:
            yield Finding.of("E115", entry.path, f"cannot be read: {error.strerror}")
