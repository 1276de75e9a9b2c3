"""WebDataset: tar files with the members of a sample under one key.

    000017.png  the image        000017.cls  its class, a number        000017.json  {"name": …, "class": …, "part": …}

What follows the first dot is the kind of a member; `000017.mask.png` beside `000017.png` is another member of that
sample, which is not read. Names that have dots of their own, as `photo.v2.png`, are read where `photo.v2.cls` is there.

The JSON is ours; without it a class is called by its number. https://github.com/webdataset/webdataset
"""

import json
import re
import tarfile
from collections.abc import Container
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

from triptych.image_formats import SUFFIXES as IMAGE_SUFFIXES
from triptych_ops.errors import RefusedError

from .content import Content, FileRange
from .dataset import Dataset
from .foreign import MOST_NOTE_BYTES, refusing_damage
from .formats import image_suffix
from .labelled import Labelled, named_part, ordered_classes, parts_of_shards
from .structure import Layout, Part

SUFFIXES = frozenset({".tar"})

_SUFFIXES_READ = IMAGE_SUFFIXES | {".cls", ".json"}

_MOST_HEADER_BYTES = 8 << 10  # what a member's extended header may hold: a path and some times
_MOST_CLASS_BYTES = 64  # a number
_LONG_NUMBER = re.compile(rb"\d{256}")


class _Headers:
    """A shard as `tarfile` reads it: headers alone, each of a bounded size, whatever size it claims."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def read(self, size: int) -> bytes:
        """Read a header.

        Raises:
            ValueError: it claims more than any header needs.
        """
        if size > _MOST_HEADER_BYTES:
            raise ValueError(f"a header of {size:,} bytes")
        content = self._file.read(size)
        if size > tarfile.BLOCKSIZE and _LONG_NUMBER.search(
            content
        ):  # `tarfile` takes the square of its length in time
            raise ValueError("a header with an endless number")
        return content


def read_webdataset(path: Path, shards: list[Path], layout: Layout = "auto") -> Dataset:
    """The labelled images of all shards; `path` is what holds them.

    Raises:
        RefusedError: a shard is damaged or compressed, holds links, or a sample has no class.
    """
    found: list[Labelled] = []
    parts = parts_of_shards(shards)
    for shard in shards:
        with (
            refusing_damage(shard, "WebDataset shard, an uncompressed tar"),
            shard.open("rb") as file,
            tarfile.open(fileobj=cast("BinaryIO", _Headers(file)), mode="r:") as archive,
        ):
            found += _samples(shard, archive, parts[shard])
    return ordered_classes(path, "webdataset", found, layout=layout)


def write_webdataset(dataset: Dataset, path: Path) -> None:
    """Write all samples into one shard."""
    with tarfile.open(path, "w") as archive:
        for number, sample in enumerate(dataset.samples):
            content = sample.read()
            note = {"name": sample.name, "class": dataset.classes[sample.label]}
            note |= {"part": sample.part} if sample.part else {}
            for suffix, member in (
                (image_suffix(content, name=sample.name), content),
                (".cls", str(sample.label).encode()),
                (".json", json.dumps(note, ensure_ascii=False).encode()),
            ):
                entry = tarfile.TarInfo(f"{number:08}{suffix}")
                entry.size = len(member)
                archive.addfile(entry, BytesIO(member))


def _samples(shard: Path, archive: tarfile.TarFile, part: Part | None) -> list[Labelled]:
    size_bytes = shard.stat().st_size
    if any(FileRange(shard, max(0, size_bytes - tarfile.BLOCKSIZE), tarfile.BLOCKSIZE).read()):  # the end is zeros
        raise RefusedError(f"{shard} is cut short: it has no end of archive; copy it anew")
    images: dict[str, Content] = {}
    notes: dict[str, dict[str, FileRange]] = {}
    end = 0
    while (member := archive.next()) is not None:
        archive.members.clear()  # type: ignore[attr-defined]  # each keeps a copy of all headers that hold for it
        if member.offset < end or member.size < 0:
            raise RefusedError(f"{shard} is damaged: {member.name!a} overlaps the member before it; copy it anew")
        end = member.offset_data
        key, suffix = _key_and_suffix(member.name)
        if suffix not in _SUFFIXES_READ:
            continue
        if not member.isreg() or member.issparse():
            if member.isdir():
                continue
            raise RefusedError(f"{member.name!a} in {shard} is a link or no plain file; store the file itself")
        end = member.offset_data + member.size
        if end > size_bytes:
            raise RefusedError(f"{shard} is cut short within {member.name!a}; copy it anew")
        content = FileRange(shard, member.offset_data, member.size)
        if suffix in IMAGE_SUFFIXES:
            if key in images:
                raise RefusedError(f"{shard} has two images called {key!a}; give each a name of its own")
            images[key] = content
        else:
            notes.setdefault(key, {})[suffix] = content
    return [
        _labelled(shard, key, content, notes.get(key, {}), part)
        for key, content in images.items()
        if ".cls" in notes.get(key, {}) or not _is_further_member(key, images)
    ]


def _key_and_suffix(name: str) -> tuple[str, str]:
    """Divide a member's name at the first dot of its base; at the last one where the kind would be none that is read.

    Hidden files, as macOS adds `._000017.png` to archives, have no kind.
    """
    folder, slash, base = name.rpartition("/")
    if base.startswith("."):
        return name, ""
    stem, dot, extension = base.partition(".")
    if (dot + extension).lower() not in _SUFFIXES_READ and dot:
        stem, dot, extension = base.rpartition(".")
    return folder + slash + stem, (dot + extension).lower()


def _is_further_member(key: str, images: Container[str]) -> bool:
    """Return whether an image under this key belongs to the sample of another image, as `7.mask.png` to `7.png`."""
    folder, slash, base = key.rpartition("/")
    words = base.split(".")
    return any(folder + slash + ".".join(words[:count]) in images for count in range(1, len(words)))


def _labelled(shard: Path, key: str, content: Content, notes: dict[str, FileRange], part: Part | None) -> Labelled:
    try:
        label = int(_note(notes[".cls"], most_bytes=_MOST_CLASS_BYTES))
    except (KeyError, ValueError) as error:
        raise RefusedError(
            f"{shard} names no class of {key!a}; each image needs a member of this name and .cls that holds a number"
        ) from error
    try:
        note = json.loads(_note(notes[".json"], most_bytes=MOST_NOTE_BYTES)) if ".json" in notes else {}
        note = note if isinstance(note, dict) else {}
        name, text = (str(note[field]) if isinstance(note.get(field), str | int) else "" for field in ("name", "class"))
        part = named_part(str(note.get("part", ""))) or part
    except (ValueError, RecursionError) as error:
        words = str(error)[:100]
        raise RefusedError(f"the JSON of {key!a} in {shard} is no note of an image: {words}; remove it") from error
    return Labelled(name or f"{shard.name}/{key}", label, text or str(label), content, part)


def _note(content: FileRange, *, most_bytes: int) -> bytes:
    if content.size_bytes > most_bytes:
        raise ValueError(f"it has {content.size_bytes:,} bytes, at most {most_bytes:,} are read")
    return content.read()
