"""The files of an untrusted folder: listed without following links, read without opening what is no plain file."""

import os
import stat
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from triptych_ops.errors import MissingError, RefusedError, UsageError

from .findings import Finding

# A model repository has four levels: model, version, a model that is a folder, and what lies in that.
_DEEPEST = 8
# Far above any repository; a bomb of folders is not walked to its end.
_MOST_ENTRIES = 20_000
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Entry:
    """What lies in the repository under one name."""

    path: str  # below the repository, with slashes
    mode: int
    links: int
    size_bytes: int

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]

    @property
    def is_folder(self) -> bool:
        """A folder, no link to one."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_plain(self) -> bool:
        """A regular file that has no other name."""
        return stat.S_ISREG(self.mode) and self.links == 1


def is_below(path: str, others: Set[str]) -> bool:
    """Whether a path, or a folder that it lies in, is among others."""
    parts = path.split("/")
    return any("/".join(parts[:length]) in others for length in range(1, len(parts) + 1))


class Tree:
    """An open folder. Every path is resolved from its descriptor, part by part, never through a link.

    Raises:
        MissingError: there is no such folder.
        UsageError: it is a file.
        RefusedError: it is a link.
        OSError: it cannot be listed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            mode = folder.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError) as error:
            raise MissingError(f"there is no {folder}; name the folder of a model repository") from error
        except ValueError as error:  # a NUL in the path
            raise UsageError(f"{str(folder)!r} is no path; name the folder of a model repository") from error
        if stat.S_ISLNK(mode):
            raise RefusedError(f"{folder} is a link, which could point elsewhere meanwhile; name the folder itself")
        if not stat.S_ISDIR(mode):
            raise UsageError(f"{folder} is not a folder; name the folder of a model repository")
        self._root = os.open(folder, _FOLDER)
        self.findings: tuple[Finding, ...] = ()
        self.entries: Mapping[str, Entry] = {}
        self._walk()

    def __enter__(self) -> "Tree":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._root)

    def read(self, path: str, *, most_bytes: int) -> bytes:
        """The first bytes of a plain file.

        Raises:
            OSError: it cannot be read, or is no plain file of its own any more.
        """
        with self.open(path) as file:
            return file.read(most_bytes)

    def open(self, path: str) -> BinaryIO:
        """A plain file, to be read.

        Raises:
            OSError: as `read`.
        """
        folder, _, name = path.rpartition("/")
        parent = self._open_folder(folder)
        try:
            descriptor = os.open(name, _FILE, dir_fd=parent)
        finally:
            os.close(parent)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            os.close(descriptor)
            raise OSError(0, "it is no plain file any more", path)
        return os.fdopen(descriptor, "rb")

    def _walk(self) -> None:
        entries: dict[str, Entry] = {}
        findings: list[Finding] = []
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            try:
                found = sorted(self._list(folder), key=lambda entry: entry.path)
            except OSError as error:
                findings.append(Finding.of("E115", folder or ".", f"cannot be listed: {error.strerror}"))
                continue
            for entry in found:
                entries[entry.path] = entry
                if not entry.is_folder:
                    continue
                if entry.path.count("/") + 1 >= _DEEPEST:
                    message = f"is deeper than {_DEEPEST} folders, and was not looked into"
                    findings.append(Finding.of("E107", entry.path, message))
                else:
                    waiting.append(entry.path)
            if len(entries) > _MOST_ENTRIES:
                findings.append(Finding.of("E107", ".", f"holds more than {_MOST_ENTRIES} files; not all were checked"))
                break
        self.entries = dict(sorted(entries.items()))
        self.findings = tuple(findings)

    def _list(self, folder: str) -> Iterator[Entry]:
        descriptor = self._open_folder(folder)
        try:
            with os.scandir(descriptor) as listing:
                for item in listing:
                    status = item.stat(follow_symlinks=False)
                    path = f"{folder}/{item.name}" if folder else item.name
                    yield Entry(path, status.st_mode, status.st_nlink, status.st_size)
        finally:
            os.close(descriptor)

    def _open_folder(self, path: str) -> int:
        descriptor = os.dup(self._root)
        for part in path.split("/") if path else ():
            try:
                inner = os.open(part, _FOLDER, dir_fd=descriptor)
            finally:
                os.close(descriptor)
            descriptor = inner
        return descriptor
