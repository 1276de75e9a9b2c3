"""Sound files, damaged at random but always alike: a number stands for the same damage in each run."""

import random
import struct
import tarfile
from collections.abc import Iterator
from pathlib import Path

from .hostile_hdf5 import encoded
from .hostile_records import archive, framed, member, record

_NUMBERS = (
    0,
    1,
    2,
    8,
    64,
    127,
    128,
    255,
    256,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0xFFFFFFFF,
    1 << 40,
    (1 << 63) - 1,
    (1 << 64) - 1,
)
_CHECKSUM = slice(148, 156)  # of a tar header


def damaged(content: bytes, dice: random.Random) -> bytes:
    """The content with one to six changes: bits, bytes, numbers, pieces that are lost, doubled, moved or cut."""
    changed = bytearray(content)
    for _ in range(dice.randint(1, 6)):
        if not changed:
            return b""
        at, kind = dice.randrange(len(changed)), dice.randrange(7)
        if kind == 0:
            changed[at] ^= 1 << dice.randrange(8)
        elif kind == 1:
            changed[at] = dice.randrange(256)
        elif kind == 2:
            size, form = dice.choice(((1, "B"), (2, "<H"), (4, "<I"), (8, "<Q"), (4, ">I"), (8, ">Q")))
            value = dice.choice(_NUMBERS) & ((1 << 8 * size) - 1)
            changed[at : at + size] = struct.pack(form, value)
        elif kind == 3:
            del changed[at : at + dice.choice((1, 4, 16, 200))]
        elif kind == 4:
            changed[at:at] = changed[at : at + dice.choice((1, 4, 16, 200))]
        elif kind == 5:
            other, size = dice.randrange(len(changed)), dice.choice((4, 8, 16, 64))
            changed[at : at + size] = changed[other : other + size]
        elif dice.random() < 0.2:
            del changed[at:]
    return bytes(changed)


def hdf5(sources: list[Path], count: int) -> Iterator[bytes]:
    """HDF5 files; most damage lies in what describes the data, which is at the beginning or has a signature."""
    contents = [path.read_bytes() for path in sources]
    for seed in range(count):
        dice = random.Random(f"hdf5 {seed}")  # noqa: S311  not for secrets
        content = bytearray(dice.choice(contents))
        marks = [place for mark in (b"TREE", b"SNOD", b"HEAP", b"GCOL", b"OHDR") if (place := content.find(mark)) >= 0]
        start = dice.choice([0, *marks])
        end = start + dice.choice((100, 600, 3000))
        yield bytes(content[:start]) + damaged(bytes(content[start:end]), dice) + bytes(content[end:])


def tfrecords(count: int) -> Iterator[bytes]:
    """TFRecord files whose records are damaged and whose checksums are true, and every fifth with any damage."""
    for seed in range(count):
        dice = random.Random(f"tfrecord {seed}")  # noqa: S311  not for secrets
        records = [record(number) for number in range(6)]
        if seed % 5 == 0:
            yield damaged(framed(*records), dice)
            continue
        for place in range(dice.randint(1, 6)):
            # The image's own bytes are most of a record: the damage is to what stands around them.
            head = dice.choice((40, len(records[place])))
            records[place] = damaged(records[place][:head], dice) + records[place][head:]
            records[place] = records[place][:-60] + damaged(records[place][-60:], dice)
        yield framed(*records)


def shards(count: int) -> Iterator[bytes]:
    """WebDataset shards whose headers and notes are damaged, most of them with true checksums."""
    for seed in range(count):
        dice = random.Random(f"tar {seed}")  # noqa: S311  not for secrets
        members = []
        for number in range(4):
            note = b'{"name": "%d.png", "class": "%s", "part": ""}' % (number, (b"cat", b"dog")[number % 2])
            members += [
                member(f"{number:03}.png", encoded(number)),
                member(f"{number:03}.cls", b"%d" % (number % 2)),
                member(f"{number:03}.json", damaged(note, dice) if dice.random() < 0.3 else note),
            ]
        members.append(member("x" * 150 + ".txt", pax_headers={"comment": "long", "size": "3"}))
        content = bytearray(archive(*members))
        for _ in range(dice.randint(1, 4)):
            start = tarfile.BLOCKSIZE * dice.randrange(len(content) // tarfile.BLOCKSIZE)
            changed = damaged(bytes(content[start : start + tarfile.BLOCKSIZE]), dice)[: tarfile.BLOCKSIZE]
            block = bytearray(changed.ljust(tarfile.BLOCKSIZE, b"\0"))
            if dice.random() < 0.8:
                block[_CHECKSUM] = b" " * 8
                block[_CHECKSUM] = b"%06o\0 " % (sum(block) % (1 << 18))
            content[start : start + tarfile.BLOCKSIZE] = block
        yield bytes(content)
