"""Names for releases, such as `stable`: an append-only history, whose last entry is the present.

Each entry is created exclusively under the next number, so of two taggers at once one comes after the other and
neither is lost. Order is by number of the entry, never by clock.

An entry that is signed states its own number and the digest of the entry before, as do all that follow. So the
signature of the newest one, the head, is over the whole signed history. The signature of
`aliases/stable/000003.json` is `aliases/stable/000003-DIGEST.sig`, where DIGEST is of the entry. It is written before
the entry, so that no reader sees the entry without it, and can be replaced, as when a key is changed.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
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
class Entry:
    """One file of an alias' history."""

    sequence: int  # the number of the file
    record: AliasRecord
    sha256: str  # of the file

    @property
    def target(self) -> Target | None:
        """What the alias has pointed to since; None where it was removed."""
        return _target(self.record)


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry of an alias, with its signature and the entries before, as one look at the store found them."""

    alias: str
    location: str  # of the store, for messages
    store: str  # identity of the store
    document: bytes  # of the newest entry
    entries: Mapping[int, Entry]  # by their numbers; never empty
    signature: bytes | None

    @property
    def newest(self) -> Entry:
        """The newest entry."""
        return self.entries[max(self.entries)]

    @property
    def name(self) -> str:
        """The name of the newest entry's file in the store."""
        return _entry_name(self.alias, self.newest.sequence)

    @property
    def is_chained(self) -> bool:
        """Whether the newest entry states its number and the digest of the entry before."""
        return self.newest.record.sequence is not None

    def require_chain(self) -> None:
        """Check that each entry which states a predecessor has exactly that one, and that all do from the first one on.

        Raises:
            RefusedError: an entry is missing, was altered, or belongs to another history.
        """
        entry = self.newest
        while entry.record.sequence is not None and entry.record.previous_sha256 is not None:
            number = entry.sequence - 1
            before = self.entries.get(number)
            if before is None or before.sha256 != entry.record.previous_sha256:
                problem = "is missing" if before is None else f"is not the entry that {entry.sequence:06d}.json follows"
                raise RefusedError(
                    f"{self.location}/{_entry_name(self.alias, number)} {problem}, so the history of the alias is "
                    "refused; restore the store from a backup"
                )
            entry = before
        if any(other.record.sequence is not None for other in self.entries.values() if other.sequence < entry.sequence):
            raise RefusedError(
                f"{self.location}/{_entry_name(self.alias, entry.sequence)} follows no entry, although signed ones are "
                "before it, so the history of the alias is refused; restore the store from a backup"
            )


@dataclass(frozen=True, slots=True)
class AliasState:
    """What a listing says of an alias; no signature is verified for it."""

    number: int
    sequence: int
    signed: bool


SignEntry = Callable[[str, bytes], bytes]
"""Makes the signature of an entry, given the name of its file in the store and its content."""


@dataclass(frozen=True, slots=True)
class Change:
    """An entry that was added, and what the alias pointed to before."""

    alias: str
    entry: Entry
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
        found = {
            alias: entry.target if isinstance(entry, Entry) else entry
            for alias, entry in self._newest_entries().items()
        }
        return {alias: target for alias, target in found.items() if target is not None}

    def states(self) -> dict[str, AliasState]:
        """Every alias that points to a release, sorted by name; without those that `each` refuses."""
        signatures = self._storage.matching(f"{_FOLDER}/*/*.sig")
        return {
            alias: AliasState(
                entry.target.number, entry.sequence, _signature_name(alias, entry.sequence, entry.sha256) in signatures
            )
            for alias, entry in self._newest_entries().items()
            if isinstance(entry, Entry) and entry.target is not None
        }

    def _newest_entries(self) -> dict[str, Entry | RefusedError]:
        last = {alias: names[-1] for alias, names in sorted(self._entries(f"{_FOLDER}/*/*.json").items())}
        documents = self._storage.read_all(last.values())
        found: dict[str, Entry | RefusedError] = {}
        for alias, name in last.items():
            try:
                entry = self._parsed(name, documents.get(name))
            except RefusedError as error:  # one bad alias does not hide the others
                found[alias] = error
            else:
                if entry is not None:
                    found[alias] = entry
        return found

    def target(self, alias: str, *, accept: Callable[[Head], None] | None = None) -> Target:
        """What an alias points to, once `accept` has let its history pass.

        Raises:
            MissingError: there is no such alias.
            RefusedError: its newest entry is corrupt, or any entry where the history is accepted by `accept`.
        """
        if accept is None:
            entry = self._newest(require_alias(alias))
        else:
            head = self._accepted(alias, accept)
            entry = head.newest if head else None
        target = entry.target if entry else None
        if target is None:
            held = ", ".join(name for name, found in self.each().items() if isinstance(found, Target)) or "none"
            raise MissingError(f"{self._storage.location} has no alias {alias!r}; its aliases: {held}")
        return target

    def history(self, alias: str) -> list[Entry]:
        """Every entry of an alias, oldest first; empty where there never was one."""
        names = self._of(require_alias(alias))
        documents = self._storage.read_all(names)
        entries = (self._parsed(name, documents.get(name)) for name in names)
        return [entry for entry in entries if entry is not None]

    def signed_entries(self, alias: str) -> set[int]:
        """The numbers of the entries that have a signature; none is verified."""
        signatures = self._storage.matching(f"{_FOLDER}/{require_alias(alias)}/*.sig")
        return {
            entry.sequence
            for entry in self.history(alias)
            if _signature_name(alias, entry.sequence, entry.sha256) in signatures
        }

    def head(self, alias: str) -> Head | None:
        """The history of an alias by its newest entry, None where it never had one; nothing of it is verified.

        Raises:
            RefusedError: an entry is corrupt.
        """
        names = self._of(require_alias(alias))
        found = self._storage.read_all(names)
        entries = {name: self._parsed(name, found.get(name)) for name in names}
        documents = {name: document for name, document in found.items() if isinstance(document, bytes)}
        present = {name: entry for name, entry in entries.items() if entry is not None}
        if not present:
            return None
        name, newest = list(present.items())[-1]
        return Head(
            alias=alias,
            location=self._storage.location,
            store=self._storage.identity(),
            document=documents[name],
            entries={entry.sequence: entry for entry in present.values()},
            signature=self._storage.read(_signature_name(alias, newest.sequence, newest.sha256)),
        )

    def _accepted(self, alias: str, accept: Callable[[Head], None]) -> Head | None:
        """The history of an alias, once `accept` has let it pass; an older one that was read meanwhile is read anew."""
        head = self.head(alias)
        if head is None:
            return None
        try:
            accept(head)
        except RefusedError:
            again = self.head(alias)
            if again is None or again.newest == head.newest:
                raise
            accept(again)
            return again
        return head

    def point(
        self,
        alias: str,
        target: Target | None,
        *,
        sign: SignEntry | None = None,
        unsigned: bool = False,
        accept: Callable[[Head], None] | None = None,
    ) -> Change | None:
        """Add an entry, None to remove the alias; what that changed. The same again writes nothing.

        With `sign` the entry is signed, once `accept` has let the history pass that it follows; the same again signs
        the newest entry again. `unsigned` lets an entry without a signature follow one that has it.

        Raises:
            RefusedError: an entry is corrupt, or the newest one is signed and this one would not be.
            OpsError: others write this alias all the time.
        """
        for _ in range(_ATTEMPTS):
            head = self._accepted(alias, accept) if accept else self.head(alias)
            newest = head.newest if head else None
            if head and sign:
                head.require_chain()
                if newest and newest.target == target and head.is_chained:
                    self._sign(alias, newest, head.document, sign)
                    return None
            present = newest.target if newest else None
            if present == target and (sign is None or target is None):
                return None
            if head and head.signature is not None and sign is None and not unsigned:
                raise RefusedError(
                    f"the alias {alias} of {self._storage.location} is signed, and verifiers would refuse it after an "
                    "unsigned change; name who signs, as by --key, or give --unsigned"
                )
            if (entry := self._add(alias, newest, target, sign)) is not None:
                return Change(alias, entry, present)
        raise OpsError(f"the alias {alias} of {self._storage.location} is written by others all the time; try again")

    def take_back(self, change: Change, *, sign: SignEntry | None = None) -> None:
        """Let the alias point to what it did before a change, unless somebody has changed it since."""
        self._add(change.alias, change.entry, change.before, sign)

    def _add(self, alias: str, newest: Entry | None, target: Target | None, sign: SignEntry | None) -> Entry | None:
        """Add the entry that follows `newest`; None where another process has added one already."""
        number = newest.sequence + 1 if newest else 1
        record = self._entry(alias, target)
        if sign or (newest and newest.record.sequence is not None):
            record = record.model_copy(
                update={"sequence": number, "previous_sha256": newest.sha256 if newest else None}
            )
        document = record.to_json()
        entry = Entry(number, record, hashlib.sha256(document).hexdigest())
        if sign:
            self._sign(alias, entry, document, sign)
        if self._storage.create(_entry_name(alias, number), document) is None:
            return entry
        if sign:
            self._storage.remove(_signature_name(alias, number, entry.sha256))
        return None

    def _sign(self, alias: str, entry: Entry, document: bytes, sign: SignEntry) -> None:
        signature = sign(_entry_name(alias, entry.sequence), document)
        name = _signature_name(alias, entry.sequence, entry.sha256)
        if self._storage.create(name, signature) is not None:
            self._storage.replace(name, signature)

    def _newest(self, alias: str) -> Entry | None:
        if not (names := self._of(alias)):
            return None
        return self._parsed(names[-1], self._storage.read(names[-1]))

    def _of(self, alias: str) -> list[str]:
        return self._entries(f"{_FOLDER}/{alias}/*.json").get(alias, [])

    def _entries(self, pattern: str) -> dict[str, list[str]]:
        """Alias -> the names of its entries, oldest first."""
        found: dict[str, list[tuple[int, str]]] = {}
        for name in self._storage.matching(pattern):
            if (match := _ENTRY.fullmatch(name)) and name == _entry_name(match[1], int(match[2])):
                found.setdefault(match[1], []).append((int(match[2]), name))
        return {alias: [name for _, name in sorted(entries)] for alias, entries in found.items()}

    def _parsed(self, name: str, document: bytes | RefusedError | None) -> Entry | None:
        """None where it is gone, which only a person does."""
        if isinstance(document, RefusedError):
            raise document
        if document is None:
            return None
        source = self._storage.where(name)
        _, alias, file = name.split("/")
        record = AliasRecord.from_json(document, source=source, place=alias)
        number = int(file.removesuffix(".json"))
        if record.sequence not in (None, number):
            raise RefusedError(
                f"{source} is corrupt: its sequence is {record.sequence}, not {number}; restore it from a backup"
            )
        return Entry(number, record, hashlib.sha256(document).hexdigest())


def _entry_name(alias: str, number: int) -> str:
    return f"{_FOLDER}/{alias}/{number:06d}.json"


def _signature_name(alias: str, number: int, sha256: str) -> str:
    return f"{_FOLDER}/{alias}/{number:06d}-{sha256}.sig"


def _target(record: AliasRecord) -> Target | None:
    if record.number is None or record.manifest_sha256 is None:
        return None
    return Target(record.number, record.manifest_sha256)
