"""A release as it lies in a store, or in the folder that it was pulled into."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from triptych_ops.errors import MissingError, RefusedError, UsageError

from . import integrity
from .integrity import MANIFEST, REPOSITORY, SIGNATURE, Progress, quiet
from .manifest import FileDigest, Manifest
from .storage import FolderStorage, Storage, open_storage


@dataclass(frozen=True, slots=True, eq=False)
class Release:
    """A published release; two are equal where their places and manifests are."""

    storage: Storage = field(repr=False)  # its root is the release's folder
    document: bytes = field(repr=False)  # release.json, as it lies there
    manifest: Manifest

    @property
    def number(self) -> int:
        """Its number, also the version folder of each of its models."""
        return self.manifest.number

    @property
    def location(self) -> str:
        """Its folder, or its URL."""
        return self.storage.location

    @property
    def manifest_sha256(self) -> str:
        """What tells it from every other release."""
        return hashlib.sha256(self.document).hexdigest()

    @property
    def folder(self) -> Path:
        """Its folder on this machine.

        Raises:
            UsageError: it lies in a bucket; `Store.local_copy` gives a folder of every release.
        """
        if not isinstance(self.storage, FolderStorage):
            raise UsageError(f"{self.location} is no folder of this machine; pull the release first")
        return self.storage.folder

    def read(self, name: str) -> bytes:
        """The content of one of its files, compared with the manifest.

        Raises:
            RefusedError: it is missing or altered.
            MissingError: another process removed the release meanwhile; so do all that read its files.
        """
        pieces: list[bytes] = []
        with self.reporting_removal():
            integrity.each_checked(
                self.storage, {name: self.manifest.files[name]}, lambda _name, chunks: pieces.extend(chunks)
            )
        return b"".join(pieces)

    def signature(self) -> bytes | None:
        """The detached signature, None where it is not signed."""
        return self.storage.read(SIGNATURE)

    def verify(self, *, progress: Progress = quiet) -> None:
        """Compare every file with the manifest.

        Raises:
            RefusedError: names the first file that is missing, additional or altered.
        """
        with self.reporting_removal():
            integrity.verify(self.storage, self.manifest.files, progress=progress)

    def copy(self, target: Path, *, durable: bool = False, progress: Progress = quiet) -> None:
        """Copy all of it into the new folder `target`: manifest, signature, repository, each file compared.

        Raises:
            RefusedError: as `verify`.
        """
        with self.reporting_removal():
            integrity.require_names(self.storage, self.manifest.files)
            target.mkdir(exist_ok=True)
            integrity.copy(self.storage, self.manifest.files, target, durable=durable, progress=progress)
        (target / MANIFEST).write_bytes(self.document)
        if (signature := self.signature()) is not None:
            (target / SIGNATURE).write_bytes(signature)

    def copy_repository(self, target: Path) -> None:
        """Copy what Triton serves into the new folder `target`, comparing every file with the manifest.

        Raises:
            RefusedError: as `verify`.
        """
        with self.reporting_removal():
            copy_repository(self.storage, self.manifest.files, target)

    @contextmanager
    def reporting_removal(self) -> Iterator[None]:
        """Raise MissingError for a failure in the body whose cause is that another process removed this release."""
        try:
            yield
        except (RefusedError, FileNotFoundError) as error:
            if self.storage.read(MANIFEST):
                raise
            raise MissingError(
                f"release {self.number} was removed from {self.location} while it was read; name another release"
            ) from error

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Release):
            return NotImplemented
        return (self.location, self.document) == (other.location, other.document)

    def __hash__(self) -> int:
        return hash((self.location, self.document))


def copy_repository(source: Storage | Path, files: Mapping[str, FileDigest], target: Path) -> None:
    """Copy what Triton serves of a release, or of one that is being built, comparing every file with `files`.

    Raises:
        RefusedError: names the first file that is missing, additional or altered.
    """
    storage = open_storage(source) if isinstance(source, Path) else source
    integrity.require_names(storage, files)
    served = {name.removeprefix(f"{REPOSITORY}/"): found for name, found in files.items()}
    integrity.copy(storage.below(REPOSITORY), served, target)
