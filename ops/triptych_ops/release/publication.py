"""Making a release appear in a store: wholly or not at all, once, under a number that nobody else gets.

1. The number is claimed: `numbers/7.json` is created exclusively and names the manifest's digest.
2. A folder takes the staged files by one rename. An object store takes the files first, each hashed as it is sent,
   and `release.json` last; a release is what has one.

The same release again writes nothing. Whoever was killed in between left a claim for this manifest, so that its
rerun goes on, and nobody else takes the number. A failure that is not a kill takes back what it did.

An empty `release.json` is no release's: whoever removes what lies under a number creates it first, so that no
release can appear there meanwhile, and removes it last.
"""

import errno
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from triptych_ops.errors import OpsError

from . import integrity
from .integrity import MANIFEST, SIGNATURE, Progress
from .manifest import Manifest
from .records import NumberRecord
from .storage import FolderStorage, RemoteStorage, Storage

LARGEST_NUMBER = 2**31 - 1  # of Triton's versions, and of a manifest
NO_MANIFEST = b""  # holds the place of one while what lies under its number is removed


def folder_name(number: int) -> str:
    """Where a release lies below its store."""
    return f"releases/{number}"


def manifest_name(number: int) -> str:
    """What makes it a release."""
    return f"{folder_name(number)}/{MANIFEST}"


def number_of(name: str) -> int | None:
    """The number that a name in the store is; None for every other name."""
    if not name.isascii() or not name.isdigit() or name.startswith("0"):
        return None
    number = int(name) if len(name) <= len(str(LARGEST_NUMBER)) else LARGEST_NUMBER + 1
    return number if number <= LARGEST_NUMBER else None


def claim_name(number: int) -> str:
    """Where it is recorded who took a number."""
    return f"numbers/{number}.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What is to be published: the manifest, as it is and as it is written, its files, maybe a signature."""

    manifest: Manifest
    document: bytes  # release.json
    files: Storage  # its root has the files
    signature: bytes | None = None

    @property
    def sha256(self) -> str:
        """Of the manifest, which tells this edition from every other."""
        return hashlib.sha256(self.document).hexdigest()


class Publication:
    """Publishing into one store. `claim` makes what is recorded of a number and a manifest's digest: who and when."""

    def __init__(self, storage: Storage, claim: Callable[[int, str], NumberRecord]) -> None:
        self._storage = storage
        self._claim = claim

    def published(self, edition: Edition) -> bool:
        """Whether this very release was published.

        Raises:
            OpsError: another one was published under its number.
        """
        number = edition.manifest.number
        present = self._storage.read(manifest_name(number))
        if present and present != edition.document:
            raise self._taken(number, published=True)
        return bool(present)

    def publish(self, edition: Edition, *, staged: Path | None, progress: Progress) -> bool:
        """Publish; whether that wrote anything. `staged`: where this store's `staging` holds the files already.

        Raises:
            OpsError: another release has the number, or it failed; then nothing is left behind.
            RefusedError: a file is not as the manifest says.
        """
        if self.published(edition):
            return False
        integrity.require_names(edition.files, edition.manifest.files)
        with self._claimed(edition):
            if isinstance(self._storage, FolderStorage):
                self._rename(self._storage, edition, staged, progress)
            elif isinstance(self._storage, RemoteStorage):
                self._upload(self._storage, edition, progress)
        return True

    def sign(self, edition: Edition) -> bool:
        """Give the published release the edition's signature; whether that wrote anything. None takes none away."""
        name = f"{folder_name(edition.manifest.number)}/{SIGNATURE}"
        if edition.signature is None or self._storage.read(name) == edition.signature:
            return False
        self._storage.replace(name, edition.signature)
        return True

    @contextmanager
    def _claimed(self, edition: Edition) -> Iterator[None]:
        number = edition.manifest.number
        name = claim_name(number)
        claim = self._claim(number, edition.sha256).to_json()
        present = self._storage.create(name, claim)
        if present is not None and self._record(number, present).manifest_sha256 != edition.sha256:
            raise self._taken(number, published=False)
        try:
            yield
        except BaseException:
            with suppress(OpsError, OSError):  # the first failure is the one to tell
                self._take_back(edition, claimed=present is None)
            raise
        if present is not None:  # whoever made the claim may have failed since, and taken it back
            self._storage.create(name, claim)

    def _take_back(self, edition: Edition, *, claimed: bool) -> None:
        """Remove what a failed publication left, unless somebody published the same manifest meanwhile."""
        number = edition.manifest.number
        uploaded = isinstance(self._storage, RemoteStorage)
        if uploaded:
            if self._storage.create(manifest_name(number), NO_MANIFEST) is not None:
                return
            for name in (*edition.manifest.files, SIGNATURE):
                self._storage.remove(f"{folder_name(number)}/{name}")
        elif self._storage.read(manifest_name(number)):
            return
        if claimed:
            self._storage.remove(claim_name(number))
        if uploaded:
            self._storage.remove(manifest_name(number))

    def _rename(self, storage: FolderStorage, edition: Edition, staged: Path | None, progress: Progress) -> None:
        if staged is None:
            with storage.staging() as copy:
                integrity.copy(edition.files, edition.manifest.files, copy, durable=True, progress=progress)
                self._rename_checked(storage, edition, copy)
        else:
            integrity.verify(edition.files, edition.manifest.files, progress=progress)
            self._rename_checked(storage, edition, staged)

    def _rename_checked(self, storage: FolderStorage, edition: Edition, staged: Path) -> None:
        _write(staged / MANIFEST, edition.document)
        if edition.signature is not None:
            _write(staged / SIGNATURE, edition.signature)
        try:
            storage.place(staged, folder_name(edition.manifest.number))
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
            if not self.published(edition):
                raise self._in_the_way(edition.manifest.number) from error

    def _upload(self, storage: RemoteStorage, edition: Edition, progress: Progress) -> None:
        folder = folder_name(edition.manifest.number)
        files = edition.manifest.files

        def send(name: str, chunks: Iterator[bytes]) -> None:
            storage.upload(f"{folder}/{name}", _counted(chunks, progress), size=files[name].size)

        integrity.each_checked(edition.files, files, send)
        self._appear(edition, folder)

    def _appear(self, edition: Edition, folder: str) -> None:
        if edition.signature is not None:
            self._storage.replace(f"{folder}/{SIGNATURE}", edition.signature)
        # Somebody who tidies, or a second run of this publication that failed, may have removed some.
        if set(self._storage.below(folder).files()) - {SIGNATURE, MANIFEST} != set(edition.manifest.files):
            raise self._in_the_way(edition.manifest.number)
        present = self._storage.create(f"{folder}/{MANIFEST}", edition.document)
        if present == NO_MANIFEST:
            raise self._in_the_way(edition.manifest.number)
        if present is not None:
            raise self._taken(edition.manifest.number, published=True)

    def _taken(self, number: int, *, published: bool) -> OpsError:
        document = self._storage.read(claim_name(number))
        what = f"release {number} {'was published' if published else 'is being published'}"
        if document is None:
            return OpsError(f"{what} by somebody else; build again")
        record = self._record(number, document)
        since = "at" if published else "since"
        return OpsError(f"{what} by {record.publisher} {since} {record.at.isoformat()}; build again")

    def _in_the_way(self, number: int) -> OpsError:
        where = self._storage.where(folder_name(number))
        return OpsError(f"{where} holds other files than this release's; run: triptych release prune --unfinished")

    def _record(self, number: int, document: bytes) -> NumberRecord:
        return NumberRecord.from_json(document, source=self._storage.where(claim_name(number)), place=number)


def _counted(chunks: Iterator[bytes], progress: Progress) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk
        progress(len(chunk))


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:  # a write does not say where
        raise OSError(error.errno, error.strerror, error.filename or str(path)) from error
