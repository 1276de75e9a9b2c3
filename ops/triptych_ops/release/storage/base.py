"""What the release package asks of a place: names below a root, read through fsspec."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

from triptych_ops.errors import RefusedError

CHUNK_BYTES = 1 << 20  # as fast as larger ones, and small enough to stay in a core's cache
LARGEST_READ_BYTES = 16 << 20  # manifests, signatures and labels of 80,000 files or classes are smaller
_READERS = 8  # small files read at the same time, which hides the way to an object store


class Storage(ABC):
    """A root and what lies below it; every name is relative to the root, with slashes.

    `filesystem` is fsspec's, whose own types are `Any`.
    """

    def __init__(self, filesystem: Any, root: str, location: str) -> None:
        self.filesystem = filesystem
        self.location = location
        self._root = root

    @abstractmethod
    def below(self, name: str) -> Self:
        """The same place with a root further down."""

    @abstractmethod
    def identity(self) -> str:
        """The location, written so that two places never have the same, whatever the working folder."""

    def where(self, name: str) -> str:
        """What to call `name` in a message."""
        return f"{self.location.rstrip('/')}/{name}" if name else self.location

    @abstractmethod
    def exists(self) -> bool:
        """Whether there is a folder at the root. A bucket that exists has every prefix."""

    @abstractmethod
    def read(self, name: str) -> bytes | None:
        """The content of a small file; None where there is none.

        Raises:
            RefusedError: it is no plain file, or larger than 16 MiB.
        """

    def read_all(self, names: Iterable[str]) -> dict[str, bytes | RefusedError]:
        """The contents of those of these files that there are, or why one is refused, read side by side."""
        wanted = list(names)
        with ThreadPoolExecutor(_READERS) as readers:
            contents = zip(wanted, readers.map(self._read_or_refused, wanted), strict=True)
            return {name: content for name, content in contents if content is not None}

    def _read_or_refused(self, name: str) -> bytes | RefusedError | None:
        try:
            return self.read(name)
        except RefusedError as error:  # one bad file does not hide the others
            return error

    @abstractmethod
    def matching(self, pattern: str) -> dict[str, int]:
        """The files whose name has this form, sorted, and their sizes; `*` stands for one part of a name.

        What is no plain file has some size above 0; whoever reads it is told.
        """

    @abstractmethod
    def folders(self, name: str) -> list[str]:
        """The names of the folders directly below a folder, sorted; empty where there is none."""

    @abstractmethod
    def files(self) -> list[str]:
        """Every file below the root, sorted.

        Raises:
            RefusedError: something below is neither a folder nor a plain file of its own.
        """

    @abstractmethod
    def chunks(self, name: str) -> Iterator[bytes]:
        """The content of a file, piece by piece.

        Raises:
            FileNotFoundError: there is none.
        """

    @abstractmethod
    def create(self, name: str, content: bytes) -> bytes | None:
        """Make a new file, whole and flushed to the disk, unless there is one; of many that try at once, one does.

        Returns:
            None where this call made it, or one with the same content lies there; else the other content.
        """

    @abstractmethod
    def replace(self, name: str, content: bytes) -> None:
        """Make or replace a file, so that a reader sees the old or the new content and nothing between."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file, if there is one."""

    @abstractmethod
    def remove_all(self, name: str, *, last: str) -> None:
        """Remove a folder and all that it holds now, if there is one; `last`, a file directly in it, at the end."""

    @abstractmethod
    def remove_parts(self) -> None:
        """Remove what was sent of files that never became whole. Nobody may be sending."""

    @abstractmethod
    def staging(self) -> AbstractContextManager[Path]:
        """A folder of this machine from which `place` can take a release; gone afterwards."""

    @abstractmethod
    def _failures(self) -> AbstractContextManager[None]:
        """Translates what the file system below raises into the tooling's errors."""

    def _not_readable(self, name: str) -> RefusedError:
        problem = f"is a link, a special file or larger than {LARGEST_READ_BYTES >> 20} MiB"
        return RefusedError(f"{self.where(name)} {problem}, so it is not read; remove it, or restore it from a backup")

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root


class RemoteStorage(Storage):
    """Takes a release file by file: it has no rename of a whole folder."""

    @abstractmethod
    def upload(self, name: str, chunks: Iterator[bytes], *, size: int) -> None:
        """Make or replace a file of `size` bytes; where `chunks` raises, nothing appears."""
