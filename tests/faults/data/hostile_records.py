"""TFRecord files and WebDataset shards that claim what they do not hold, or hold what no reader expects."""

import io
import struct
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import google_crc32c

from triptych_ops.training.data.example import encode_example

from .hostile_hdf5 import encoded

_COUNT = 6


def framed(*records: bytes, length: int | None = None) -> bytes:
    """Records with true checksums, whatever they hold; `length` is claimed for each of them."""

    def checksum(content: bytes) -> bytes:
        value = google_crc32c.value(content)
        return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    frames = b""
    for record in records:
        size = struct.pack("<Q", len(record) if length is None else length)
        frames += size + checksum(size) + record + checksum(record)
    return frames


def record(number: int, **changes: bytes | int | None) -> bytes:
    """An Example of one image; None leaves a feature out."""
    values: dict[str, bytes | int | None] = {
        "image/encoded": encoded(number),
        "image/class/label": number % 2,
        "image/class/text": b"cat" if number % 2 else b"dog",
        "image/filename": b"%d.png" % number,
    }
    values |= {f"image/{name.replace('_', '/')}": value for name, value in changes.items()}
    return encode_example({name: value for name, value in values.items() if value is not None})


def _field(number: int, content: bytes) -> bytes:
    size, head = len(content), b""
    while size > 0x7F:
        head, size = head + bytes([size & 0x7F | 0x80]), size >> 7
    return bytes([number << 3 | 2]) + head + bytes([size]) + content


def _all(**changes: bytes | int | None) -> bytes:
    return framed(*(record(number, **changes) for number in range(_COUNT)))


TFRECORDS: Mapping[str, Callable[[], bytes]] = MappingProxyType(
    {
        "empty": bytes,
        "zeros": lambda: bytes(4096),
        "text": lambda: b"images,labels\n" * 300,
        "a length of 2**64 - 1": lambda: framed(record(0), length=(1 << 64) - 1),
        "a length of 2**63": lambda: framed(record(0), length=1 << 63),
        "a length of 1 TB": lambda: framed(record(0), length=1 << 40),
        "a length that is too small": lambda: framed(record(0), length=3),
        "records of nothing": lambda: framed(*[b""] * 200),
        "records of zeros": lambda: framed(*[bytes(20)] * 200),
        "a number without end": lambda: framed(b"\xff" * 64),
        "a field without end": lambda: framed(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
        "an unknown kind of field": lambda: framed(b"\x0f" + bytes(8)),
        "60,000 empty fields": lambda: framed(b"\x0a\x00" * 30_000),
        "60,000 empty features": lambda: framed(_field(1, b"\x0a\x00" * 30_000)),
        "60,000 fields of a feature": lambda: framed(_field(1, _field(1, b"\x0a\x00" * 30_000))),
        "nested a thousand times": lambda: framed(_nested(1000)),
        "no label": lambda: _all(class_label=None),
        "no image": lambda: _all(encoded=None),
        "a label of bytes": lambda: _all(class_label=b"1"),
        "an image that is a number": lambda: _all(encoded=7),
        "a label of 2**64 - 1": lambda: _all(class_label=(1 << 64) - 1),
        "a label of 2**63": lambda: _all(class_label=1 << 63, class_text=None),
        "a label of 2**69": lambda: _all(class_label=1 << 69, class_text=None),
        "one class": lambda: _all(class_label=1, class_text=b"cat"),
        "one number, two texts": lambda: _all(class_label=1),
        "two numbers, one text": lambda: _all(class_text=b"cat"),
        "texts that are no UTF-8": lambda: _all(class_text=b"\xff\xfe"),
        "texts with surrogates": lambda: _all(class_text=b"\xed\xa0\x80"),
        "texts of lines": lambda: _all(class_text=b"a\nb", class_label=1),
        "texts of 40 kB": lambda: framed(record(0), record(1, class_text=b"x" * 40_000)),
        "a text with NUL": lambda: framed(record(0), record(1, class_text=b"a\0b")),
        "classes upwards": lambda: framed(record(0, class_text=b".."), record(1, class_text=b"../../etc")),
        "names with NUL": lambda: framed(*(record(n, filename=b"cat/a\0%d" % n) for n in range(_COUNT))),
        "names that are no UTF-8": lambda: _all(filename=b"\xff\xfe"),
        "names that are one": lambda: _all(filename=b"a.png"),
        "names upwards": lambda: framed(*(record(n, filename=b"cat/../../../x%d" % n) for n in range(_COUNT))),
        "names that are long": lambda: framed(*(record(n, filename=b"%d" % n + b"x" * 9000) for n in range(_COUNT))),
        "names of one file": lambda: framed(
            record(0), record(1, filename=b"cat/a.png"), record(3, filename=b"cat//a.png")
        ),
        "names of files in a file": lambda: framed(
            record(0), record(1, filename=b"cat/a.png"), record(3, filename=b"cat/a.png/b.png")
        ),
        "names of numbers": lambda: framed(record(0), record(3, filename=b"cat/00000002.png"), record(1)),
        "unknown parts": lambda: _all(part=b"mine"),
        "parts that are numbers": lambda: _all(part=3),
        "parts of some": lambda: framed(record(0, part=b"train"), record(1)),
        "images of nothing": lambda: _all(encoded=b""),
        "images of noise": lambda: _all(encoded=bytes(range(256)) * 8),
        "images that claim 65535 x 65535": lambda: _all(
            encoded=b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\xff\xff\x00\x00\xff\xff\x08\x02\x00\x00\x00"
            + bytes(4)
        ),
    }
)


def _nested(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = _field(1, content)
    return content


Member = tuple[tarfile.TarInfo, bytes]


def member(name: str, content: bytes = b"", **changes: object) -> Member:
    """A member of an archive; `changes` are attributes of its header."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for attribute, value in changes.items():
        setattr(info, attribute, value)
    return info, content


def archive(*members: Member) -> bytes:
    """An archive of these, with its end."""
    content = b""
    for info, data in members:
        content += (
            info.tobuf(tarfile.PAX_FORMAT, errors="surrogateescape") + data + bytes(-len(data) % tarfile.BLOCKSIZE)
        )
    return content + bytes(2 * tarfile.BLOCKSIZE)


def shard(note: Callable[[int], bytes] | None = None, number: Callable[[int], bytes] | None = None) -> bytes:
    """A shard of six images; `note` makes what is said of each, `number` the number of its class."""
    members = []
    for index in range(_COUNT):
        members += [
            member(f"{index:03}.png", encoded(index)),
            member(f"{index:03}.cls", number(index) if number else b"%d" % (index % 2)),
        ]
        if note:
            members.append(member(f"{index:03}.json", note(index)))
    return archive(*members)


def header(kind: bytes, size: int | bytes, name: str = "x") -> bytes:
    """A header of any kind that claims any size, in octal digits or as bytes, with a true checksum."""
    claimed = size if isinstance(size, bytes) else b"%011o\0" % size
    block = bytearray(name.encode().ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + claimed.ljust(12, b"\0"))
    block += b"00000000000\0" + b" " * 8 + kind + bytes(100) + b"ustar\x0000" + bytes(247)
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def _extended(text: bytes, *, kind: bytes = b"x", size: int | None = None) -> bytes:
    data = text + bytes(-len(text) % tarfile.BLOCKSIZE)
    return header(kind, len(text) if size is None else size) + data


def _pairs(count: int) -> bytes:
    return b"".join(b"%d %s=\n" % (len(key := b"%05d" % number) + 4, key) for number in range(count))


def _deep(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def _linked(kind: bytes, target: str) -> bytes:
    return archive(
        member("000.png", type=kind, linkname=target),
        member("000.cls", b"0"),
        member("001.png", encoded(1)),
        member("001.cls", b"1"),
    )


def _sound_with(raw: bytes) -> bytes:
    return raw + shard()


SHARDS: Mapping[str, Callable[[Path], bytes]] = MappingProxyType(
    {
        "empty": lambda _: b"",
        "zeros": lambda _: bytes(10_240),
        "text": lambda _: b"images,labels\n" * 300 + bytes(1024),
        "an image by a symbolic link": lambda outside: _linked(tarfile.SYMTYPE, str(outside)),
        "an image by a hard link": lambda outside: _linked(tarfile.LNKTYPE, str(outside)),
        "an image that is a device": lambda _: _linked(tarfile.CHRTYPE, ""),
        "an image that is a pipe": lambda _: _linked(tarfile.FIFOTYPE, ""),
        "an image that is a folder": lambda _: _linked(tarfile.DIRTYPE, ""),
        "a class by a link": lambda outside: archive(
            member("000.png", encoded(0)), member("000.cls", type=tarfile.SYMTYPE, linkname=str(outside))
        ),
        "a note by a link": lambda outside: archive(
            member("0.png", encoded(0)),
            member("0.cls", b"0"),
            member("0.json", type=tarfile.SYMTYPE, linkname=str(outside)),
        ),
        "a sparse image": lambda _: _sound_with(header(b"S", 512, "9.png") + bytes(512)),
        "a size of 8 GB": lambda _: _sound_with(header(b"0", 0o77777777777, "9.png")),
        "a size of 2**63": lambda _: _sound_with(header(b"0", b"\x80" + (1 << 63).to_bytes(11, "big"), "9.png")),
        "a negative size": lambda _: _sound_with(header(b"0", b"\xff" * 11 + b"\x00", "9.png")),
        "a size of -512": lambda _: _sound_with(header(b"0", b"\xff" * 10 + b"\xfe\x00", "9.png")),
        "a size of no digits": lambda _: _sound_with(header(b"0", b"abcdefghijk\0", "9.png")),
        "an extended header of 8 GB": lambda _: _sound_with(_extended(b"12 path=ab\n", size=0o77777777777)),
        "an extended header of 100 kB": lambda _: _sound_with(_extended(b"x" * 100_000)),
        "an extended header of digits": lambda _: _sound_with(_extended(b"1" * 8_000)),
        "extended headers of digits": lambda _: _sound_with(_extended(b"1" * 8_000) * 30),
        "an extended header without end": lambda _: _sound_with(_extended(b"99999999999 path=x\n")),
        "an extended header of length 0": lambda _: _sound_with(_extended(b"0 path=x\n")),
        "an extended size of -1": lambda _: _sound_with(_extended(b"11 size=-1\n")),
        "an extended size of no number": lambda _: _sound_with(_extended(b"12 size=inf\n")),
        "an extended size of 5,000 digits": lambda _: _sound_with(_extended(b"5011 size=" + b"9" * 5000 + b"\n")),
        "an unknown character set": lambda _: _sound_with(_extended(b"22 hdrcharset=martian\n")),
        "a thousand extended headers": lambda _: _sound_with(_extended(b"11 path=ab\n") * 1000),
        "global headers for all": lambda _: _sound_with(_extended(_pairs(800), kind=b"g") * 40),
        "a long name of 8 GB": lambda _: _sound_with(header(b"L", 0o77777777777)),
        "a thousand long names": lambda _: _sound_with(_extended(b"a.png\0", kind=b"L") * 1000),
        "a sparse map without end": lambda _: _sound_with(_extended(b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n")),
        "a sparse map of no numbers": lambda _: _sound_with(_extended(b"25 GNU.sparse.map=a,b,c,d\n")),
        "names with NUL": lambda _: _sound_with(_extended(b"18 path=a\x00b/9.png\n")),
        "names that are no UTF-8": lambda _: archive(member("\udcff.png", encoded(0)), member("\udcff.cls", b"0")),
        "names of lines": lambda _: archive(member("a\n\x1b[31m.png", encoded(0)), member("a\n\x1b[31m.cls", b"0")),
        "names upwards": lambda _: archive(
            member("../../x.png", encoded(0)),
            member("../../x.cls", b"0"),
            member("/y.png", encoded(1)),
            member("/y.cls", b"1"),
        ),
        "names without end": lambda _: archive(member("a/" * 5_000 + "x.png", encoded(0)), member("x.cls", b"0")),
        "no classes": lambda _: archive(member("0.png", encoded(0)), member("1.png", encoded(1))),
        "classes of 5,000 digits": lambda _: shard(number=lambda _: b"9" * 5000),
        "classes of 60 digits": lambda _: shard(number=lambda index: b"9" * 60 + b"%d" % (index % 2)),
        "classes that are no numbers": lambda _: shard(number=lambda _: b"cat"),
        "classes of nothing": lambda _: shard(number=lambda _: b""),
        "classes of a megabyte": lambda _: shard(number=lambda _: b" " * (1 << 20)),
        "notes of depth 500": lambda _: shard(note=lambda _: _deep(500)),
        "notes of depth 100,000": lambda _: shard(note=lambda _: _deep(100_000)),
        "notes of objects of depth 50,000": lambda _: shard(note=lambda _: b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
        "notes that are no JSON": lambda _: shard(note=lambda _: b"{"),
        "notes that are numbers": lambda _: shard(note=lambda _: b"3"),
        "notes of 5,000 digits": lambda _: shard(note=lambda _: b"9" * 5000),
        "notes of two megabytes": lambda _: shard(note=lambda _: b'{"a": "' + b"x" * (2 << 20) + b'"}'),
        "notes with names that are lists": lambda _: shard(note=lambda _: b'{"name": [1], "class": {"a": 1}}'),
        "notes with names that are one": lambda _: shard(note=lambda _: b'{"name": "a"}'),
        "notes with surrogates": lambda _: shard(note=lambda index: b'{"name": "\\ud800%d"}' % index),
        "notes with classes of surrogates": lambda _: shard(note=lambda index: b'{"class": "\\ud800%d"}' % (index % 2)),
        "notes with NUL": lambda _: shard(note=lambda index: b'{"name": "a\\u0000%d"}' % index),
        "notes with classes of NUL": lambda _: shard(note=lambda index: b'{"class": "a\\u0000%d"}' % (index % 2)),
        "notes with names upwards": lambda _: shard(
            note=lambda index: b'{"name": "%d/../../x%d"}' % (index % 2, index)
        ),
        "notes with unknown parts": lambda _: shard(note=lambda _: b'{"part": "mine"}'),
        "notes with parts of some": lambda _: shard(note=lambda n: b"{}" if n else b'{"part": "train"}'),
        "notes that are no UTF-8": lambda _: shard(note=lambda _: b'{"name": "\xff"}'),
        "images of noise": lambda _: archive(
            member("0.png", b"x" * 99), member("0.cls", b"0"), member("1.png", b"y"), member("1.cls", b"1")
        ),
        "compressed": lambda _: _compressed(),
    }
)


def _compressed() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as made:
        info, data = member("0.png", encoded(0))
        made.addfile(info, io.BytesIO(data))
    return content.getvalue()
