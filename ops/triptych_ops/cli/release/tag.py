"""`triptych release tag`."""

import hashlib
from functools import partial
from pathlib import Path, PurePosixPath

import click

from triptych_ops.cli import failures
from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import print_json, print_table, say, table
from triptych_ops.cli.store_option import store_option
from triptych_ops.cli.trust_options import state_file, state_option
from triptych_ops.release import Store, require_alias
from triptych_ops.release.alias_trust import AliasMemory
from triptych_ops.release.aliases import Entry
from triptych_ops.release.signing import Signer, sign_document

from .signing_options import signing_options


@click.command("tag")
@click.argument("alias", required=False)
@click.argument("ref", required=False)
@click.option("--remove", is_flag=True, help="Remove ALIAS; its history stays.")
@click.option("--history", is_flag=True, help="Show every change of ALIAS, oldest first.")
@click.option("--unsigned", is_flag=True, help="Let an unsigned change follow a signed one; verifiers will refuse it.")
@store_option
@signing_options
@state_option
@json_option
@click.pass_context
def tag_release(
    context: click.Context,
    alias: str | None,
    ref: str | None,
    remove: bool,
    history: bool,
    unsigned: bool,
    store: Store,
    signer: Signer | None,
    state: Path | None,
    as_json: bool,
) -> None:
    """Let ALIAS mean release REF, a number or another alias. Without arguments: list the aliases.

    Signed changes have numbers that only grow, so that a verifier notices when a store hides the newest ones. Once an
    alias is signed, each change of it must be. The same again with a signer signs the newest change again, as with a
    new key. Lists show which changes have a signature; `release verify ALIAS` checks it.
    """
    if unsigned and signer:
        raise click.UsageError("--unsigned and a signer exclude each other; give one of them")
    if alias is None:
        if remove or history:
            raise click.UsageError("--remove and --history need an ALIAS")
        if unsigned or signer:
            raise click.UsageError("--unsigned and a signer need an ALIAS")
        _list(store, as_json)
        refused = list(store.refused_aliases().values())
        for error in refused:  # one bad alias does not hide the others
            say(f"triptych: {failures.line(error)}")
        context.exit(failures.exit_code(refused[0]) if refused else failures.DONE)
    require_alias(alias)
    if sum((remove, history, ref is not None)) != 1:
        raise click.UsageError("give one of REF, --remove and --history")
    if history:
        if unsigned or signer:
            raise click.UsageError("--history changes nothing; leave out --unsigned and the signer")
        _show_history(store.entries(alias), store.signed_entries(alias), as_json)
        return
    number = _change(store, alias, None if remove else ref, signer=signer, unsigned=unsigned, state=state)
    if as_json:
        print_json({"alias": alias, "release": number, "signed": signer is not None})
    else:
        signed = ", signed" if signer else ""
        click.echo(f"{alias} is release {number}{signed}" if number else f"{alias} is removed{signed}")


def _change(
    store: Store, alias: str, ref: str | None, *, signer: Signer | None, unsigned: bool, state: Path | None
) -> int | None:
    """Let the alias mean `ref`, or remove it where that is None; its number.

    With a signer, the change follows only what it signed here last, or what came after that.
    """
    memory = AliasMemory(state or state_file())
    sign = _EntrySigner(signer) if signer else None
    accept = partial(memory.check, signer=signer.fingerprint) if signer else None
    number = None
    if ref is None:
        store.untag(alias, sign=sign, unsigned=unsigned, accept=accept)
    else:
        number = store.tag(alias, ref, sign=sign, unsigned=unsigned, accept=accept)
    if sign:
        try:
            sign.remember(memory, store, alias)
        except OSError as error:
            if state:
                raise
            say(f"triptych: the change of {alias} is made, but not remembered: {failures.line(error)}; see --state")
    return number


class _EntrySigner:
    """Signs entries of an alias, and knows the last one."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._last: tuple[int, str] | None = None

    def __call__(self, name: str, content: bytes) -> bytes:
        self._last = int(PurePosixPath(name).stem), hashlib.sha256(content).hexdigest()
        return sign_document(name, content, self._signer)

    def remember(self, memory: AliasMemory, store: Store, alias: str) -> None:
        """Remember the last entry as accepted."""
        if self._last:
            sequence, sha256 = self._last
            memory.remember(
                store=store.identity, alias=alias, signer=self._signer.fingerprint, sequence=sequence, sha256=sha256
            )


def _list(store: Store, as_json: bool) -> None:
    states = store.alias_states()
    if as_json:
        changes = {alias: {"sequence": state.sequence, "signed": state.signed} for alias, state in states.items()}
        print_json({"aliases": {alias: state.number for alias, state in states.items()}, "changes": changes})
    elif states:
        some_signed = any(state.signed for state in states.values())
        columns = ("alias", "release", *(("change", "signature") if some_signed else ()))
        listing = table(*columns, right=("release", "change"))
        for alias, state in states.items():
            row = (alias, str(state.number), str(state.sequence), "yes" if state.signed else "-")
            listing.add_row(*row[: len(columns)])
        print_table(listing)
    else:
        say(f"the store {store.location} has no alias; run: triptych release tag ALIAS REF")


def _show_history(entries: list[Entry], signed: set[int], as_json: bool) -> None:
    if as_json:
        keys = {"number", "manifest_sha256", "by", "at"}
        changes = [
            entry.record.model_dump(mode="json", include=keys)
            | {"sequence": entry.sequence, "signed": entry.sequence in signed}
            for entry in entries
        ]
        print_json({"alias": entries[-1].record.alias, "history": changes})
        return
    listing = table("change", "release", "by", "at", "signature", right=("change", "release"), gives_up=("by",))
    for entry in entries:
        record = entry.record
        signature = "yes" if entry.sequence in signed else "-"
        listing.add_row(str(entry.sequence), str(record.number or "-"), record.by, record.at.isoformat(), signature)
    print_table(listing)
