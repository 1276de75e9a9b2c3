"""Which history of an alias is accepted: signed, unbroken, and not older than what was accepted before.

A signature says that a history is genuine, not that it is the newest one: a store that leaves out the newest entries
shows an older history, whose signature is right. As the snapshot and timestamp roles of The Update Framework, a signed
history has a number that only grows, and a verifier remembers the highest one that it has accepted, and for which
entry. See https://theupdateframework.github.io/specification/latest/#detailed-client-workflow.

What was accepted is remembered by store, alias and signer. A new key so begins anew: what somebody with a stolen old
key signed, under whatever high number, does not keep the entries of the new key from being accepted.
"""

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from triptych_ops.errors import RefusedError
from triptych_ops.scratch import flush_to_disk

from .aliases import Head
from .signing import Trust


class _Accepted(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    store: str
    alias: str
    signer: str
    sequence: int = Field(gt=0)
    entry_sha256: str = Field(pattern="^[0-9a-f]{64}$")

    @classmethod
    def of(cls, store: str, alias: str, signer: str, sequence: int, sha256: str) -> Self:
        return cls(store=store, alias=alias, signer=signer, sequence=sequence, entry_sha256=sha256)

    @property
    def place(self) -> tuple[str, str, str]:
        return self.store, self.alias, self.signer


class _State(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    accepted: list[_Accepted] = []


@dataclass(frozen=True, slots=True)
class AliasMemory:
    """A file that remembers, for each store, alias and signer, the newest entry that was accepted."""

    file: Path

    def accept(self, head: Head, *, signer: str) -> None:
        """Remember the newest entry of `head`, unless it is older than, or does not follow, the one remembered.

        Raises:
            RefusedError: it is older, or of another history; or the file is corrupt.
            OSError: the file cannot be read or written.
        """
        with self._locked() as state:
            self._require_follows(state, head, signer)
            newest = head.newest
            self._add(state, _Accepted.of(head.store, head.alias, signer, newest.sequence, newest.sha256))

    def check(self, head: Head, *, signer: str) -> None:
        """Do as `accept`, but remember nothing."""
        if self.file.exists():
            with self._locked() as state:
                self._require_follows(state, head, signer)

    def remember(self, *, store: str, alias: str, signer: str, sequence: int, sha256: str) -> None:
        """Remember an entry that this process has signed itself.

        Raises:
            RefusedError: the file is corrupt.
            OSError: the file cannot be read or written.
        """
        with self._locked() as state:
            self._add(state, _Accepted.of(store, alias, signer, sequence, sha256))

    def _add(self, state: _State, new: _Accepted) -> None:
        known = {each.place: each for each in state.accepted}
        before = known.get(new.place)
        if before is None or before.sequence < new.sequence:
            known[new.place] = new
            self._write(_State(accepted=[known[place] for place in sorted(known)]))

    def _require_follows(self, state: _State, head: Head, signer: str) -> None:
        place = (head.store, head.alias, signer)
        before = next((each for each in state.accepted if each.place == place), None)
        if before is None:
            return
        called = f"the alias {head.alias} of {head.location}"
        if head.newest.sequence < before.sequence:
            raise RefusedError(
                f"{called} was set back: its newest entry is {head.newest.sequence}, and entry {before.sequence} was "
                f"accepted before, says {self.file}; restore the newer entries of the store"
            )
        same = head.entries.get(before.sequence)
        if same is None or same.sha256 != before.entry_sha256:
            raise RefusedError(
                f"{called} has another history: its entry {before.sequence} is not the one that was accepted before, "
                f"says {self.file}; restore the entries of the store, or remove that file if the new history is right"
            )

    @contextmanager
    def _locked(self) -> Iterator[_State]:
        """The state, while no other process may change it."""
        folder = self.file.parent
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except FileExistsError as error:  # a file
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from error
        lock = os.open(self.file.with_name(f"{self.file.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self._read()
        finally:
            os.close(lock)

    def _read(self) -> _State:
        try:
            return _State.model_validate_json(self.file.read_bytes())
        except FileNotFoundError:
            return _State()
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            raise RefusedError(
                f"{self.file} is corrupt: {where}: {first['msg']}; restore it, or remove it and give --minimum-sequence"
            ) from error

    def _write(self, state: _State) -> None:
        descriptor, name = tempfile.mkstemp(dir=self.file.parent, prefix=f".{self.file.name}-")
        written = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write((state.model_dump_json(indent=2) + "\n").encode())
            flush_to_disk(written)
            written.replace(self.file)
        except BaseException:
            written.unlink(missing_ok=True)
            raise
        flush_to_disk(self.file.parent)


@dataclass(frozen=True, slots=True)
class AliasTrust:
    """Accepts the history of an alias whose newest entry the right signer signed, from a number on."""

    trust: Trust
    minimum_sequence: int = 1

    def require(self, head: Head) -> None:
        """Let `head` pass. Whether it is older than what was accepted before is for `AliasMemory`.

        Raises:
            RefusedError: it is not signed, by another signer, broken, or below the minimum.
            OpsError: nothing can be verified now.
        """
        called = f"the alias {head.alias} of {head.location}"
        if head.signature is None or not head.is_chained:
            release = head.newest.record.number
            raise RefusedError(
                f"{called} is not signed: {head.name} has no signature; sign it with: triptych release tag "
                f"{head.alias} {release or '--remove'} --key …"
            )
        self.trust.require_document(head.name, head.document, head.signature, called=f"{head.location}/{head.name}")
        head.require_chain()
        if head.newest.sequence < self.minimum_sequence:
            raise RefusedError(
                f"{called} is at entry {head.newest.sequence}, older than the least that is accepted, "
                f"{self.minimum_sequence}; restore the newer entries of the store"
            )
