"""Folders -> the files in them that are named like images, in an order that depends on nothing but the names."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from triptych import image_formats

NOT_NAMED: Final = "not named like images"
SEEN: Final = "folders that were read before"
NOT_RECURSIVE: Final = "folders in folders"
SPECIAL: Final = "broken links, pipes or devices"

_Identity = tuple[int, int]  # device and inode


@dataclass(slots=True)
class Found:
    """What there is to classify, and what was passed over.

    files:      paths, each once; those that were named as files are here whatever they are
    skipped:    why -> how many
    unreadable: the error of each folder that could not be read
    """

    files: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    unreadable: list[OSError] = field(default_factory=list)

    @property
    def skips(self) -> str:
        """`folders in folders (1), not named like images (12)`."""
        return ", ".join(f"{why} ({count})" for why, count in sorted(self.skipped.items()))


def find_images(paths: Iterable[str], *, recursive: bool = False, every: bool = False) -> Found:
    """The files among `paths` and in the folders among them.

    Entries of a folder are taken by name, a folder in it at its own place. Links are followed; a folder is read once,
    under the first name that leads to it, so that a loop of links ends.

    recursive: and in the folders in them
    every:     whatever their suffixes
    """
    found = Found()
    names: set[str] = set()
    seen: set[_Identity] = set()
    for path in paths:
        files = _in_folder(path, found, seen, recursive=recursive, every=every) if is_folder(path) else [path]
        for file in files:
            if (name := os.path.normpath(file)) not in names:
                names.add(name)
                found.files.append(file)
    return found


def is_folder(path: str) -> bool:
    """Whether this names a folder; never an error, whatever the path is."""
    return os.path.isdir(path)  # noqa: PTH112  Path("") is a folder, and one that may not be looked at raises


def _in_folder(root: str, found: Found, seen: set[_Identity], *, recursive: bool, every: bool) -> Iterator[str]:
    waiting = [_entries(root, found, seen)]
    while waiting:
        entry = next(waiting[-1], None)
        if entry is None:
            waiting.pop()
        elif _leads_to(entry, folder=True):
            if recursive:
                waiting.append(_entries(entry.path, found, seen))
            else:
                found.skipped[NOT_RECURSIVE] += 1
        elif not every and not image_formats.has_suffix(entry.name):
            found.skipped[NOT_NAMED] += 1
        elif not _leads_to(entry, folder=False):
            found.skipped[SPECIAL] += 1
        else:
            yield entry.path


def _entries(folder: str, found: Found, seen: set[_Identity]) -> Iterator[os.DirEntry[str]]:
    try:
        status = Path(folder).stat()
        identity = status.st_dev, status.st_ino
        if identity in seen:
            found.skipped[SEEN] += 1
            return iter(())
        seen.add(identity)
        with os.scandir(folder) as entries:
            return iter(sorted(entries, key=lambda entry: os.fsencode(entry.name)))
    except OSError as error:
        found.unreadable.append(error)
        return iter(())


def _leads_to(entry: os.DirEntry[str], *, folder: bool) -> bool:
    """Whether it is, or links to, a folder, or a file."""
    try:
        return entry.is_dir() if folder else entry.is_file()
    except OSError:  # a loop of links, or a link into what cannot be read
        return False
