"""A folder of releases: numbers only grow, a published release never changes, publishing is atomic."""

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from triptych_ops.errors import MissingError, OpsError, RefusedError
from triptych_ops.scratch import flush_to_disk, scratch_folder

from . import integrity
from .manifest import FileDigest, Manifest

MANIFEST = "release.json"
REPOSITORY = "repository"


@dataclass(frozen=True, slots=True)
class Release:
    """A published release."""

    folder: Path
    manifest: Manifest

    @property
    def number(self) -> int:
        """Its number, also the version folder of each of its models."""
        return self.manifest.number

    @property
    def repository(self) -> Path:
        """The folder that Triton serves."""
        return self.folder / REPOSITORY

    def verify(self) -> None:
        """Compare every file with the manifest.

        Raises:
            RefusedError: names the first file that is missing, additional or altered.
        """
        integrity.verify(self.folder, self.manifest.files, excluding=MANIFEST)

    def copy_repository(self, target: Path) -> None:
        """Copy what Triton serves into the new folder `target`, comparing every file with the manifest.

        Raises:
            RefusedError: names the first file that is missing, additional or altered.
        """
        copy_repository(self.folder, self.manifest.files, target)


def copy_repository(folder: Path, files: Mapping[str, FileDigest], target: Path) -> None:
    """Copy what Triton serves of a release, or of one that is being built, comparing every file with `files`.

    Raises:
        RefusedError: names the first file that is missing, additional or altered.
    """
    integrity.copy_verified(folder, files, target, below=REPOSITORY, excluding=MANIFEST)


class Store:
    """The releases below `<path>/releases`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._releases = path / "releases"

    def numbers(self) -> list[int]:
        """Of all published releases, ascending; empty for a store without any.

        Raises:
            MissingError: the store does not exist.
        """
        if not self.path.is_dir():
            raise MissingError(f"there is no store at {self.path}; name one with --store, or run: triptych build")
        if not self._releases.is_dir():
            return []
        return sorted(int(entry.name) for entry in self._releases.iterdir() if _is_number(entry.name))

    def release(self, number: int | None = None) -> Release:
        """The release `number`, or the newest.

        Raises:
            MissingError: the store, or the release in it, does not exist.
            RefusedError: its manifest is corrupt, or is another release's.
        """
        numbers = self.numbers()
        if not numbers:
            raise MissingError(f"the store {self.path} holds no release; run: triptych build")
        number = numbers[-1] if number is None else number
        if number not in numbers:
            held = ", ".join(map(str, numbers))
            raise MissingError(f"the store {self.path} has no release {number}; it holds {held}")
        folder = self._releases / str(number)
        manifest = Manifest.from_file(folder / MANIFEST)
        if manifest.number != number:
            raise RefusedError(f"{folder / MANIFEST} is the manifest of release {manifest.number}, not {number}")
        return Release(folder, manifest)

    def next_number(self) -> int:
        """The number that the next release gets."""
        return (self.numbers() or [0])[-1] + 1 if self.path.is_dir() else 1

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder in the store, invisible as a release, that is gone afterwards unless it was published."""
        self._releases.mkdir(parents=True, exist_ok=True)
        with scratch_folder(self._releases, prefix=".staging-") as folder:
            yield folder

    def publish(self, staged: Path, manifest: Manifest) -> Release:
        """Make the files in `staged` the release `manifest.number`: wholly or not at all.

        Raises:
            OpsError: that number was published meanwhile.
        """
        manifest.write(staged / MANIFEST)
        for path in (staged, *staged.rglob("*")):
            flush_to_disk(path)
        folder = self._releases / str(manifest.number)
        try:
            staged.chmod(0o755)
            staged.rename(folder)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
            raise OpsError(
                f"release {manifest.number} was published by another build meanwhile; build again"
            ) from error
        flush_to_disk(self._releases)
        return Release(folder, manifest)


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and not name.startswith("0")
