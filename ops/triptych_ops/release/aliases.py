"""Names for releases, such as `stable`: an append-only history, whose last entry is the present.

Each entry is created exclusively under the next number, so of two taggers at once one comes after the other and
neither is lost. Order is by number of the entry, never by clock.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from triptych_ops.errors import MissingError, OpsError, UsageError

from .records import AliasRecord
from .storage import Storage

NEWEST = "newest"  # means the highest number, in each place where an alias can stand

_FOLDER = "aliases"
_SYNTAX = re.compile(r"[a-z][a-z0-9-]{0,62}")
_ENTRY = re.compile(r"aliases/([a-z][a-z0-9-]{0,62})/([0-9]{6,})\.json")
_ATTEMPTS = 100  # each lost one means that somebody else's entry was made


def require_alias(name: str) -> str:
    """`name`, if it can be an alias.

    Raises:
        UsageError: it cannot.
    """
    if name == NEWEST:
        raise UsageError(f"{NEWEST!r} always means the highest number; choose another name for an alias")
    if not _SYNTAX.fullmatch(name):
        raise UsageError(f"{name!r} is no alias; write a letter, then letters, digits and dashes, such as stable")
    return name


@dataclass(frozen=True, slots=True)
class Target:
    """What an alias points to: a release, by its number and by its manifest."""

    number: int
    manifest_sha256: str


class Aliases:
    """The aliases of one store. `entry` makes what is recorded: alias, target, and who and when."""

    def __init__(self, storage: Storage, entry: Callable[[str, Target | None], AliasRecord]) -> None:
        self._storage = storage
        self._entry = entry

    def all(self) -> dict[str, Target]:
        """Every alias that points to a release, by its name, sorted."""
        last = {alias: names[-1] for alias, names in sorted(self._entries(f"{_FOLDER}/*/*.json").items())}
        documents = self._storage.read_all(last.values())
        records = {alias: self._record(name, documents[name]) for alias, name in last.items() if name in documents}
        return {alias: target for alias, record in records.items() if (target := _target(record))}

    def target(self, alias: str) -> Target:
        """What an alias points to.

        Raises:
            MissingError: there is no such alias.
        """
        names = self._of(require_alias(alias))
        document = self._storage.read(names[-1]) if names else None
        target = _target(self._record(names[-1], document)) if document is not None else None
        if target is None:
            held = ", ".join(self.all()) or "none"
            raise MissingError(f"{self._storage.location} has no alias {alias!r}; its aliases: {held}")
        return target

    def history(self, alias: str) -> list[AliasRecord]:
        """Every entry of an alias, oldest first; empty where there never was one."""
        names = self._of(require_alias(alias))
        documents = self._storage.read_all(names)
        return [self._record(name, documents[name]) for name in names if name in documents]

    def point(self, alias: str, target: Target | None) -> bool:
        """Add an entry, None to remove the alias; whether that changes anything. The same again writes nothing.

        Raises:
            OpsError: others write this alias all the time.
        """
        for _ in range(_ATTEMPTS):
            names = self._of(require_alias(alias))
            document = self._storage.read(names[-1]) if names else None
            present = _target(self._record(names[-1], document)) if document is not None else None
            if present == target:
                return False
            number = int(names[-1].rpartition("/")[2].removesuffix(".json")) + 1 if names else 1
            entry = self._entry(alias, target).to_json()
            if self._storage.create(f"{_FOLDER}/{alias}/{number:06d}.json", entry) is None:
                return True
        raise OpsError(f"the alias {alias} of {self._storage.location} is written by others all the time; try again")

    def _of(self, alias: str) -> list[str]:
        return self._entries(f"{_FOLDER}/{alias}/*.json").get(alias, [])

    def _entries(self, pattern: str) -> dict[str, list[str]]:
        """Alias -> the names of its entries, oldest first."""
        found: dict[str, list[tuple[int, str]]] = {}
        for name in self._storage.matching(pattern):
            if match := _ENTRY.fullmatch(name):
                found.setdefault(match[1], []).append((int(match[2]), name))
        return {alias: [name for _, name in sorted(entries)] for alias, entries in found.items()}

    def _record(self, name: str, document: bytes) -> AliasRecord:
        return AliasRecord.from_json(document, source=self._storage.where(name))


def _target(record: AliasRecord) -> Target | None:
    if record.number is None or record.manifest_sha256 is None:
        return None
    return Target(record.number, record.manifest_sha256)
