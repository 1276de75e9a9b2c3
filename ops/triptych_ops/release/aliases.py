"""Names for releases, such as `stable`: an append-only history, whose last entry is the present.

Each entry is created exclusively under the next number, so of two taggers at once one comes after the other and
neither is lost. Order is by number of the entry, never by clock.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from triptych_ops.errors import MissingError, OpsError, RefusedError, UsageError

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


@dataclass(frozen=True, slots=True)
class Change:
    """An entry that was added, and what the alias pointed to before."""

    alias: str
    entry: int
    before: Target | None


class Aliases:
    """The aliases of one store. `entry` makes what is recorded: alias, target, and who and when."""

    def __init__(self, storage: Storage, entry: Callable[[str, Target | None], AliasRecord]) -> None:
        self._storage = storage
        self._entry = entry

    def all(self) -> dict[str, Target]:
        """Every alias that points to a release, by its name, sorted.

        Raises:
            RefusedError: one is corrupt.
        """
        found = self.each()
        for target in found.values():
            if isinstance(target, RefusedError):
                raise target
        return {alias: target for alias, target in found.items() if isinstance(target, Target)}

    def each(self) -> dict[str, Target | RefusedError]:
        """Every alias that points to a release, or why it is refused, sorted by name."""
        last = {alias: names[-1] for alias, names in sorted(self._entries(f"{_FOLDER}/*/*.json").items())}
        documents = self._storage.read_all(last.values())
        found: dict[str, Target | RefusedError] = {}
        for alias, name in last.items():
            try:
                record = self._record(name, documents.get(name))
            except RefusedError as error:  # one bad alias does not hide the others
                found[alias] = error
            else:
                if (target := _target(record)) is not None:
                    found[alias] = target
        return found

    def target(self, alias: str) -> Target:
        """What an alias points to.

        Raises:
            MissingError: there is no such alias.
        """
        _, target = self._present(require_alias(alias))
        if target is None:
            held = ", ".join(name for name, found in self.each().items() if isinstance(found, Target)) or "none"
            raise MissingError(f"{self._storage.location} has no alias {alias!r}; its aliases: {held}")
        return target

    def history(self, alias: str) -> list[AliasRecord]:
        """Every entry of an alias, oldest first; empty where there never was one."""
        names = self._of(require_alias(alias))
        documents = self._storage.read_all(names)
        records = (self._record(name, documents.get(name)) for name in names)
        return [record for record in records if record is not None]

    def point(self, alias: str, target: Target | None) -> Change | None:
        """Add an entry, None to remove the alias; what that changed. The same again writes nothing.

        Raises:
            RefusedError: its present entry is corrupt.
            OpsError: others write this alias all the time.
        """
        for _ in range(_ATTEMPTS):
            last, present = self._present(require_alias(alias))
            if present == target:
                return None
            change = Change(alias, last + 1, present)
            if self._add(change, target):
                return change
        raise OpsError(f"the alias {alias} of {self._storage.location} is written by others all the time; try again")

    def take_back(self, change: Change) -> None:
        """Let the alias point to what it did before a change, unless somebody has changed it since."""
        self._add(Change(change.alias, change.entry + 1, change.before), change.before)

    def _add(self, change: Change, target: Target | None) -> bool:
        entry = self._entry(change.alias, target).to_json()
        return self._storage.create(f"{_FOLDER}/{change.alias}/{change.entry:06d}.json", entry) is None

    def _present(self, alias: str) -> tuple[int, Target | None]:
        """The number of an alias' last entry, 0 where it has none, and its target."""
        if not (names := self._of(alias)):
            return 0, None
        match = _ENTRY.fullmatch(names[-1])
        return int(match[2]) if match else 0, _target(self._record(names[-1], self._storage.read(names[-1])))

    def _of(self, alias: str) -> list[str]:
        return self._entries(f"{_FOLDER}/{alias}/*.json").get(alias, [])

    def _entries(self, pattern: str) -> dict[str, list[str]]:
        """Alias -> the names of its entries, oldest first."""
        found: dict[str, list[tuple[int, str]]] = {}
        for name in self._storage.matching(pattern):
            if match := _ENTRY.fullmatch(name):
                found.setdefault(match[1], []).append((int(match[2]), name))
        return {alias: [name for _, name in sorted(entries)] for alias, entries in found.items()}

    def _record(self, name: str, document: bytes | RefusedError | None) -> AliasRecord | None:
        """None where it is gone, which only a person does."""
        if isinstance(document, RefusedError):
            raise document
        if document is None:
            return None
        return AliasRecord.from_json(document, source=self._storage.where(name), place=name.split("/")[1])


def _target(record: AliasRecord | None) -> Target | None:
    if record is None or record.number is None or record.manifest_sha256 is None:
        return None
    return Target(record.number, record.manifest_sha256)
