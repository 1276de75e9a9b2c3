"""Reading a store: which releases there are, and which one is meant."""

import hashlib
import time
from collections.abc import Callable
from typing import TypeVar

from triptych_ops.errors import MissingError, RefusedError

from .aliases import NEWEST, Aliases, Head, Target
from .integrity import MANIFEST
from .manifest import Manifest
from .publication import LARGEST_NUMBER, claim_name, folder_name, manifest_name, number_of
from .published import Release
from .records import NumberRecord
from .storage import Storage

_DIGITS = 18  # of a number that anybody means
# Pauses between looks at a release that another process removes, or takes the alias from, at this moment.
_PAUSES_S = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)

_Found = TypeVar("_Found")


class _VanishedError(MissingError):
    """A release was there a moment ago, or an alias points to it: another look tells whether it is gone."""


class Catalogue:
    """The releases of one store, read anew at each call."""

    def __init__(self, storage: Storage, aliases: Aliases, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._storage = storage
        self._aliases = aliases
        self._sleep = sleep

    def numbers(self) -> list[int]:
        """Of all published releases, ascending.

        Raises:
            MissingError: the store does not exist.
        """
        if not self._storage.exists():
            raise self._no_store()
        manifests = self._storage.matching(f"releases/*/{MANIFEST}")
        numbers = (number_of(name.split("/")[1]) for name, size in manifests.items() if size)
        return sorted(number for number in numbers if number is not None)

    def next_number(self) -> int:
        """Above all numbers that were ever taken.

        Raises:
            RefusedError: the store says that a number was taken which no release can have, or the last of all.
        """
        if not self._storage.exists():
            return 1
        taken = self.numbers()
        for name in self._storage.matching("numbers/*.json"):
            word = name.split("/")[1].removesuffix(".json")
            if (number := number_of(word)) is not None:
                taken.append(number)
            elif word.isascii() and word.isdigit() and not word.startswith("0"):
                where = self._storage.where(name)
                raise RefusedError(f"{where} is above {LARGEST_NUMBER}, the last number of a release; remove it")
        if (last := max([0, *taken])) == LARGEST_NUMBER:
            raise RefusedError(f"{self._storage.location} has no number left after {last}; name another store")
        return last + 1

    def release(self, ref: str | int | None, *, accept: Callable[[Head], None] | None = None) -> Release:
        """The release that `ref` means; where that is an alias, `accept` lets its history pass.

        Raises:
            MissingError, UsageError: as `resolve`.
            RefusedError: its manifest is corrupt, another release's, or not the one that was published or tagged.
        """
        return self._settled(lambda: self._release(ref, accept))

    def _release(self, ref: str | int | None, accept: Callable[[Head], None] | None) -> Release:
        number, sha256 = self._resolve(ref, accept)
        release = self.read([number]).get(number)
        if release is None:
            raise _VanishedError(
                f"release {number} of the store {self._storage.location} was removed meanwhile; name another release"
            )
        if isinstance(release, RefusedError):
            raise release
        if sha256 not in (None, release.manifest_sha256):
            raise RefusedError(f"{release.location} is not the release that {ref!r} was tagged for; tag it again")
        return release

    def resolve(self, ref: str | int | None) -> tuple[int, str | None]:
        """The number, and the digest of the manifest where an alias pins it.

        Raises:
            MissingError: the store, the alias, or the release does not exist.
            UsageError: it is neither a number nor an alias.
        """
        return self._settled(lambda: self._resolve(ref))

    def _settled(self, look: Callable[[], _Found]) -> _Found:
        """The result of a look, repeated while what it looks for changes under it."""
        for pause_s in _PAUSES_S:
            try:
                return look()
            except _VanishedError:
                self._sleep(pause_s)
        return look()

    def _resolve(self, ref: str | int | None, accept: Callable[[Head], None] | None = None) -> tuple[int, str | None]:
        number, sha256 = _number(ref), None
        if number is None and ref not in (None, NEWEST):
            if not self._storage.exists():
                raise self._no_store()
            target = self._aliases.target(str(ref), accept=accept)
            number, sha256 = target.number, target.manifest_sha256
        numbers = self.numbers()
        if not numbers:
            raise MissingError(f"the store {self._storage.location} holds no release; run: triptych build")
        number = numbers[-1] if number is None else number
        if number not in numbers:
            held = ", ".join(map(str, numbers))
            missing = f"the store {self._storage.location} has no release {number}; it holds {held}"
            if sha256 is not None:
                raise _VanishedError(f"the alias {ref!r} means release {number}, but {missing}")
            if number in self._aliased():
                raise _VanishedError(missing)
            raise MissingError(missing)
        return number, sha256

    def _aliased(self) -> set[int]:
        return {target.number for target in self._aliases.each().values() if isinstance(target, Target)}

    def _no_store(self) -> MissingError:
        return MissingError(
            f"there is no store at {self._storage.location}; name one with --store, or run: triptych build"
        )

    def read(self, numbers: list[int]) -> dict[int, Release | RefusedError]:
        """Releases by their numbers, or why one is refused; without those that were removed since they were listed."""
        manifests = {number: manifest_name(number) for number in numbers}
        documents = self._storage.read_all([*manifests.values(), *map(claim_name, numbers)])
        found: dict[int, Release | RefusedError] = {}
        for number, name in manifests.items():
            if not (document := documents.get(name)):
                continue
            try:
                found[number] = self._checked(number, document, documents.get(claim_name(number)))
            except RefusedError as error:  # one bad release does not hide the others
                found[number] = error
        return found

    def _checked(self, number: int, document: bytes | RefusedError, claim: bytes | RefusedError | None) -> Release:
        if isinstance(document, RefusedError):
            raise document
        if isinstance(claim, RefusedError):
            raise claim
        storage = self._storage.below(folder_name(number))
        where = storage.where(MANIFEST)
        manifest = Manifest.from_json(document, source=where)
        if manifest.number != number:
            raise RefusedError(f"{where} is the manifest of release {manifest.number}, not {number}")
        if claim is not None:
            record = NumberRecord.from_json(claim, source=self._storage.where(claim_name(number)), place=number)
            if record.manifest_sha256 != hashlib.sha256(document).hexdigest():
                published = f"{record.publisher} published at {record.at.isoformat()}"
                raise RefusedError(f"{where} was altered: it is not what {published}; build or pull the release again")
        return Release(storage, document, manifest)


def _number(ref: str | int | None) -> int | None:
    if isinstance(ref, str) and len(ref) <= _DIGITS and ref.isascii() and ref.isdigit():
        return int(ref)
    return ref if isinstance(ref, int) else None
