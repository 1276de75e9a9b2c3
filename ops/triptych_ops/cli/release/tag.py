"""`triptych release tag`."""

import click

from triptych_ops.cli import failures
from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import print_json, print_table, say, table
from triptych_ops.cli.store_option import store_option
from triptych_ops.release import AliasRecord, Store, require_alias


@click.command("tag")
@click.argument("alias", required=False)
@click.argument("ref", required=False)
@click.option("--remove", is_flag=True, help="Remove ALIAS; its history stays.")
@click.option("--history", is_flag=True, help="Show every change of ALIAS, oldest first.")
@store_option
@json_option
@click.pass_context
def tag_release(
    context: click.Context,
    alias: str | None,
    ref: str | None,
    remove: bool,
    history: bool,
    store: Store,
    as_json: bool,
) -> None:
    """Let ALIAS mean release REF, a number or another alias. Without arguments: list the aliases."""
    if alias is None:
        if remove or history:
            raise click.UsageError("--remove and --history need an ALIAS")
        _list(store, as_json)
        refused = list(store.refused_aliases().values())
        for error in refused:  # one bad alias does not hide the others
            say(f"triptych: {failures.line(error)}")
        context.exit(failures.exit_code(refused[0]) if refused else failures.DONE)
    require_alias(alias)
    if sum((remove, history, ref is not None)) != 1:
        raise click.UsageError("give one of REF, --remove and --history")
    if history:
        _show_history(store.history(alias), as_json)
        return
    number = None
    if remove:
        store.untag(alias)
    else:
        number = store.tag(alias, ref)
    if as_json:
        print_json({"alias": alias, "release": number})
    else:
        click.echo(f"{alias} is release {number}" if number else f"{alias} is removed")


def _list(store: Store, as_json: bool) -> None:
    aliases = store.aliases()
    if as_json:
        print_json({"aliases": aliases})
    elif aliases:
        listing = table("alias", "release", right=("release",))
        for alias, number in aliases.items():
            listing.add_row(alias, str(number))
        print_table(listing)
    else:
        say(f"the store {store.location} has no alias; run: triptych release tag ALIAS REF")


def _show_history(entries: list[AliasRecord], as_json: bool) -> None:
    if as_json:
        keys = {"number", "manifest_sha256", "by", "at"}
        changes = [entry.model_dump(mode="json", include=keys) for entry in entries]
        print_json({"alias": entries[-1].alias, "history": changes})
        return
    listing = table("release", "by", "at", right=("release",))
    for entry in entries:
        listing.add_row(str(entry.number or "-"), entry.by, entry.at.isoformat())
    print_table(listing)
