"""A store of releases: numbers only grow, a published release never changes, publishing is atomic.

    <store>/releases/7/release.json       where it lies, the release is published
                       repository/…
                       release.sig        a detached signature, if it was signed
    <store>/numbers/7.json                who took the number; never removed
    <store>/aliases/stable/000003.json    the history of an alias
                           000003-….sig   the signature of that entry, if it was signed

The same in a folder and in a bucket. `alias_trust` says what a signed alias protects from, and `ops/README.md` what a
store whose owner is hostile can still do.
"""

import errno
import getpass
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from triptych_ops.errors import MissingError, RefusedError

from . import pruning
from .aliases import Aliases, AliasState, Entry, Head, SignEntry, Target
from .catalogue import Catalogue
from .integrity import SIGNATURE, Progress, quiet
from .manifest import Manifest
from .publication import Edition, Publication, folder_name, manifest_name
from .published import Release
from .records import AliasRecord, NumberRecord
from .storage import FolderStorage, Storage, open_storage


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _user() -> str:
    """user@host, as told to whoever comes second."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


class Store:
    """The releases at one location. Everything is read anew at each call."""

    def __init__(self, location: str | Path, *, user: str | None = None, clock: Callable[[], datetime] = _now) -> None:
        """Open a store, whether it exists or not.

        `user` and `clock` are what is recorded for people; no decision depends on them.

        Raises:
            UsageError: the location is neither a folder's path nor s3://BUCKET/PREFIX.
            ModuleNotFoundError: the package for it is not installed.
        """
        self._storage: Storage = open_storage(location)
        self._user = user or _user()
        self._clock = clock
        self._aliases = Aliases(self._storage, self._alias_record)
        self._catalogue = Catalogue(self._storage, self._aliases)
        self._publication = Publication(self._storage, self._number_record)

    @property
    def location(self) -> str:
        """Its path or URL, as it was given."""
        return self._storage.location

    @property
    def identity(self) -> str:
        """The location, written so that two stores never have the same, whatever the working folder."""
        return self._storage.identity()

    def exists(self) -> bool:
        """Whether there is a folder or a bucket."""
        return self._storage.exists()

    def numbers(self) -> list[int]:
        """Of all published releases, ascending; empty for a store without any.

        Raises:
            MissingError: the store does not exist.
        """
        return self._catalogue.numbers()

    def next_number(self) -> int:
        """The number that the next release gets: above all that were ever taken.

        Raises:
            RefusedError: there is none.
        """
        return self._catalogue.next_number()

    def resolve(self, ref: str | int | None = None) -> int:
        """The number of the release that a number, an alias, `newest` or None for the newest, means.

        Raises:
            MissingError: the store, the alias, or the release does not exist.
            UsageError: it is neither a number nor an alias.
        """
        return self._catalogue.resolve(ref)[0]

    def release(self, ref: str | int | None = None, *, accept: Callable[[Head], None] | None = None) -> Release:
        """The release that `ref` means, as `resolve` says.

        Where `ref` is an alias, `accept` is given its history, and raises where that is not to be used.

        Raises:
            MissingError: the store, the alias, or the release does not exist.
            UsageError: it is neither a number nor an alias.
            RefusedError: its manifest is corrupt, another release's, or not the one that was published or tagged.
        """
        return self._catalogue.release(ref, accept=accept)

    def releases(self) -> dict[int, Release | RefusedError]:
        """Every release by its number, or why it is refused, ascending.

        Raises:
            MissingError: the store does not exist.
        """
        return self._catalogue.read(self.numbers())

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder to build a release in, invisible as one, that is gone afterwards unless it was published."""
        with self._storage.staging() as folder:
            yield folder

    def publish(self, staged: Path, manifest: Manifest, *, progress: Progress = quiet) -> Release:
        """Make the files in `staged`, of this store's `staging`, the release `manifest.number`: wholly or not at all.

        Raises:
            OpsError: that number is another release's; by whom is told.
            RefusedError: a file is not as the manifest says.
        """
        document = manifest.to_json()
        edition = Edition(manifest=manifest, document=document, files=open_storage(staged))
        self._publication.publish(edition, staged=staged, progress=progress)
        return Release(self._storage.below(folder_name(manifest.number)), document, manifest)

    def add(self, release: Release, *, progress: Progress = quiet) -> bool:
        """Publish another store's release here, under its number; whether that wrote anything.

        Where it is published already, its signature is carried over if it differs.

        Raises:
            OpsError: that number is another release's here; by whom is told.
            RefusedError: a file is not as the manifest says.
        """
        edition = _edition(release)
        if self._publication.published(edition):
            return self._publication.sign(edition)
        with release.reporting_removal():
            return self._publication.publish(edition, staged=None, progress=progress)

    @contextmanager
    def local_copy(self, release: Release, *, progress: Progress = quiet) -> Iterator[Path]:
        """A folder of this machine with release.json, repository/ and maybe release.sig, all compared.

        For a store in a folder it is the release's own: do not write there.

        Raises:
            RefusedError: a file is not as the manifest says.
        """
        if isinstance(release.storage, FolderStorage):
            release.verify(progress=progress)
            with release.reporting_removal():
                yield release.storage.folder
            return
        with self._storage.staging() as scratch:
            folder = scratch / str(release.number)
            release.copy(folder, progress=progress)
            yield folder

    def attach_signature(self, release: Release, content: bytes) -> None:
        """Write release.sig beside the manifest, or replace it, atomically. All else of a release never changes.

        Raises:
            MissingError: another process removed the release meanwhile.
        """
        name = f"{folder_name(release.number)}/{SIGNATURE}"
        with release.reporting_removal():
            self._storage.replace(name, content)
            if not self._storage.read(manifest_name(release.number)):  # in a bucket, it was written all the same
                self._storage.remove(name)
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)

    def tag(
        self,
        alias: str,
        ref: str | int | None,
        *,
        sign: SignEntry | None = None,
        unsigned: bool = False,
        accept: Callable[[Head], None] | None = None,
    ) -> int:
        """Let an alias mean a release; its number. The same again writes nothing but a new signature.

        With `sign` the change is signed. `accept` lets the history pass that it follows, and that of an alias in `ref`.
        `unsigned` lets a change without a signature follow one that has it.

        Raises:
            UsageError: this can be no alias.
            MissingError: the release does not exist, or was removed at the same time.
            RefusedError: an entry of the alias is corrupt, or the newest one is signed and this one would not be.
        """
        release = self.release(ref, accept=accept)
        target = Target(release.number, release.manifest_sha256)
        change = self._aliases.point(alias, target, sign=sign, unsigned=unsigned, accept=accept)
        if change and not self._storage.read(manifest_name(release.number)):
            self._aliases.take_back(change, sign=sign)
            raise MissingError(f"release {release.number} of {self.location} was removed meanwhile; tag another")
        return release.number

    def untag(
        self,
        alias: str,
        *,
        sign: SignEntry | None = None,
        unsigned: bool = False,
        accept: Callable[[Head], None] | None = None,
    ) -> None:
        """Remove an alias; its history stays. The arguments are those of `tag`.

        Raises:
            MissingError: there is no such alias.
        """
        self._aliases.target(alias)
        self._aliases.point(alias, None, sign=sign, unsigned=unsigned, accept=accept)

    def aliases(self) -> dict[str, int]:
        """Every alias with the number of its release, sorted by name; without those of `refused_aliases`."""
        found = self._aliases.each()
        return {alias: target.number for alias, target in found.items() if isinstance(target, Target)}

    def refused_aliases(self) -> dict[str, RefusedError]:
        """Every alias whose present entry is corrupt, and what is wrong with it, sorted by name."""
        found = self._aliases.each()
        return {alias: error for alias, error in found.items() if isinstance(error, RefusedError)}

    def alias_states(self) -> dict[str, AliasState]:
        """Every alias of `aliases`, with the number of its newest entry and whether that has a signature."""
        return self._aliases.states()

    def head(self, alias: str) -> Head | None:
        """The history of an alias by its newest entry; None where there never was such an alias.

        Raises:
            RefusedError: an entry is corrupt.
        """
        return self._aliases.head(alias)

    def history(self, alias: str) -> list[AliasRecord]:
        """Every change of an alias, oldest first.

        Raises:
            MissingError: there never was such an alias.
        """
        return [entry.record for entry in self.entries(alias)]

    def entries(self, alias: str) -> list[Entry]:
        """Every change of an alias, as `history`, each with its number and digest."""
        if not (entries := self._aliases.history(alias)):
            raise MissingError(f"{self.location} never had an alias {alias!r}")
        return entries

    def signed_entries(self, alias: str) -> set[int]:
        """The numbers of the entries of an alias that have a signature; none is verified."""
        return self._aliases.signed_entries(alias)

    def prune(self, *, keep: int, dry_run: bool = False) -> list[int]:
        """Remove all but the newest `keep` releases and those with an alias; the numbers that went, or would go.

        Raises:
            MissingError: the store does not exist.
            RefusedError: an alias is corrupt, so nobody knows which release it protects; or a release is, which
                would count as one of those to keep.
        """
        for release in self.releases().values():
            if isinstance(release, RefusedError):
                raise RefusedError(f"nothing was removed: {release}")
        return pruning.prune(self._storage, self._aliases, self.numbers(), keep=keep, dry_run=dry_run)

    def prune_unfinished(self, *, dry_run: bool = False) -> list[int]:
        """Remove what killed publishers left of releases that never appeared; their numbers.

        A publisher that is at work then fails, and leaves nothing.
        """
        self.numbers()
        return pruning.prune_unfinished(self._storage, self._aliases, dry_run=dry_run)

    def _number_record(self, number: int, sha256: str) -> NumberRecord:
        return NumberRecord(number=number, manifest_sha256=sha256, publisher=self._user, at=self._clock())

    def _alias_record(self, alias: str, target: Target | None) -> AliasRecord:
        number, sha256 = (target.number, target.manifest_sha256) if target else (None, None)
        return AliasRecord(alias=alias, number=number, manifest_sha256=sha256, by=self._user, at=self._clock())


def _edition(release: Release) -> Edition:
    return Edition(
        manifest=release.manifest, document=release.document, files=release.storage, signature=release.signature()
    )
