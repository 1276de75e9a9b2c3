"""WebDataset: tar files with the members of a sample under one key.

    000017.png  the image        000017.cls  its class, a number        000017.json  {"name": …, "class": …}

What follows the first dot is the kind of a member; `000017.mask.png` beside `000017.png` is another member of that
sample, which is not read. Names that have dots of their own, as `photo.v2.png`, are read where `photo.v2.cls` is there.

The JSON is ours; without it a class is called by its number. https://github.com/webdataset/webdataset
"""

import json
import tarfile
from collections.abc import Container
from io import BytesIO
from pathlib import Path

from triptych.image_formats import SUFFIXES as IMAGE_SUFFIXES
from triptych_ops.errors import RefusedError

from .content import Content, FileRange
from .dataset import Dataset
from .formats import image_suffix
from .labelled import Labelled, ordered_classes

SUFFIXES = frozenset({".tar"})

_SUFFIXES_READ = IMAGE_SUFFIXES | {".cls", ".json"}


def read_webdataset(path: Path, shards: list[Path]) -> Dataset:
    """The labelled images of all shards; `path` is what holds them.

    Raises:
        RefusedError: a shard is damaged or compressed, or a sample has no class or two images.
    """
    found: list[Labelled] = []
    for shard in shards:
        try:
            with tarfile.open(shard, "r:") as archive:
                found += _samples(shard, archive)
        except (tarfile.TarError, ValueError) as error:
            raise RefusedError(f"{shard} is no WebDataset shard: {error}; it must be an uncompressed tar") from error
    return ordered_classes(path, "webdataset", found)


def write_webdataset(dataset: Dataset, path: Path) -> None:
    """Write all samples into one shard."""
    with tarfile.open(path, "w") as archive:
        for number, sample in enumerate(dataset.samples):
            content = sample.read()
            note = {"name": sample.name, "class": dataset.classes[sample.label]}
            for suffix, member in (
                (image_suffix(content, name=sample.name), content),
                (".cls", str(sample.label).encode()),
                (".json", json.dumps(note, ensure_ascii=False).encode()),
            ):
                entry = tarfile.TarInfo(f"{number:08}{suffix}")
                entry.size = len(member)
                archive.addfile(entry, BytesIO(member))


def _samples(shard: Path, archive: tarfile.TarFile) -> list[Labelled]:
    size_bytes = shard.stat().st_size
    if any(FileRange(shard, max(0, size_bytes - tarfile.BLOCKSIZE), tarfile.BLOCKSIZE).read()):  # the end is zeros
        raise RefusedError(f"{shard} is cut short: it has no end of archive; copy it anew")
    images: dict[str, Content] = {}
    notes: dict[str, dict[str, bytes]] = {}
    for member in archive:
        key, suffix = _key_and_suffix(member.name)
        if not member.isfile():
            continue
        if member.offset_data + member.size > size_bytes:
            raise RefusedError(f"{shard} is cut short within {member.name!r}; copy it anew")
        if suffix in IMAGE_SUFFIXES:
            if key in images:
                raise RefusedError(f"{shard} has two images called {key!r}; give each a name of its own")
            images[key] = FileRange(shard, member.offset_data, member.size)
        elif suffix in (".cls", ".json"):
            file = archive.extractfile(member)
            notes.setdefault(key, {})[suffix] = file.read() if file else b""
    return [
        _labelled(shard, key, content, notes.get(key, {}))
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


def _labelled(shard: Path, key: str, content: Content, notes: dict[str, bytes]) -> Labelled:
    try:
        note = json.loads(notes.get(".json", b"{}"))
        label = int(notes[".cls"])
    except (KeyError, ValueError) as error:
        raise RefusedError(f"{shard} names no class of {key!r}; each image needs a member {key}.cls") from error
    if not isinstance(note, dict):
        note = {}
    return Labelled(str(note.get("name", f"{shard.name}/{key}")), label, str(note.get("class", label)), content)
