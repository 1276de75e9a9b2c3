"""Where the encoded bytes of one image lie."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Content(Protocol):
    """Encoded bytes that can be read as often as wanted, from any process."""

    @property
    def size_bytes(self) -> int:
        """Size of the encoded image, so that it can be refused before any memory is taken; 0 where it is not known.

        Raises:
            OSError: the file cannot be found.
        """
        ...

    def read(self) -> bytes:
        """The whole encoded image.

        Raises:
            OSError: the file cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class WholeFile:
    """An image file of its own."""

    path: Path

    @property
    def size_bytes(self) -> int:
        """The file's size."""
        return self.path.stat().st_size

    def read(self) -> bytes:
        """The file's bytes."""
        return self.path.read_bytes()


@dataclass(frozen=True, slots=True)
class FileRange:
    """A range of bytes within a larger file, as archives and record files hold their images."""

    path: Path
    start: int
    size_bytes: int

    def read(self) -> bytes:
        """The range's bytes; fewer where the file has been cut."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            return file.read(self.size_bytes)
