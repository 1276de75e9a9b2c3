"""`triptych release list`."""

import click

from triptych_ops.cli import failures
from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import print_json, print_table, say, table
from triptych_ops.cli.store_option import store_option
from triptych_ops.errors import RefusedError
from triptych_ops.release import Release, Store


@click.command("list")
@store_option
@json_option
@click.pass_context
def list_releases(context: click.Context, store: Store, as_json: bool) -> None:
    """List the store's releases, oldest first, with their aliases."""
    found = store.releases()
    refused = [release for release in found.values() if isinstance(release, RefusedError)]
    refused += store.refused_aliases().values()
    releases = [release for release in found.values() if isinstance(release, Release)]
    for error in refused:  # one bad release or alias does not hide the others
        say(f"triptych: {failures.line(error)}")
    names: dict[int, list[str]] = {}
    states = store.alias_states()
    for alias, state in states.items():
        names.setdefault(state.number, []).append(alias)
    if as_json:
        print_json({"releases": [_summary(release, names.get(release.number, [])) for release in releases]})
    elif releases:
        signed = {alias for alias, state in states.items() if state.signed}
        _print_listing(releases, names, signed)
    elif not refused:
        say(f"the store {store.location} holds no release; run: triptych build")
    context.exit(failures.exit_code(refused[0]) if refused else failures.DONE)


def _print_listing(releases: list[Release], names: dict[int, list[str]], signed: set[str]) -> None:
    columns = ("release", "created", "architecture", "precision", "classes", "size", "aliases")
    gives_up = ("size", "classes", "created", "precision", "architecture")
    listing = table(*columns, right=("release", "size"), gives_up=gives_up)
    for release in releases:
        manifest = release.manifest
        listing.add_row(
            str(manifest.number),
            f"{manifest.created_at:%Y-%m-%d %H:%M}",
            manifest.architecture,
            manifest.precision,
            str(manifest.classes),
            f"{manifest.size_bytes / 1e6:.1f} MB",
            ", ".join(f"{alias} (signed)" if alias in signed else alias for alias in names.get(manifest.number, [])),
        )
    print_table(listing)


def _summary(release: Release, aliases: list[str]) -> dict[str, object]:
    manifest = release.manifest
    return {
        "release": manifest.number,
        "aliases": aliases,
        "created_at": manifest.created_at.isoformat(),
        "architecture": manifest.architecture,
        "precision": manifest.precision,
        "classes": manifest.classes,
        "size_bytes": manifest.size_bytes,
        "manifest_sha256": release.manifest_sha256,
    }
