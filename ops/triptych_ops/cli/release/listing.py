"""`triptych release list`."""

import click

from triptych_ops.cli import failures
from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import print_json, print_table, say, table
from triptych_ops.cli.store_option import store_option
from triptych_ops.errors import RefusedError
from triptych_ops.release import Manifest, Store


@click.command("list")
@store_option
@json_option
@click.pass_context
def list_releases(context: click.Context, store: Store, as_json: bool) -> None:
    """List the store's releases, oldest first."""
    manifests: list[Manifest] = []
    refused: list[RefusedError] = []
    for number in store.numbers():
        try:
            manifests.append(store.release(number).manifest)
        except RefusedError as error:  # one bad release does not hide the others
            refused.append(error)
            say(f"triptych: {failures.line(error)}")
    if as_json:
        print_json({"releases": [_summary(manifest) for manifest in manifests]})
    elif manifests:
        _print_listing(manifests)
    elif not refused:
        say(f"the store {store.path} holds no release; run: triptych build")
    context.exit(failures.exit_code(refused[0]) if refused else failures.DONE)


def _print_listing(manifests: list[Manifest]) -> None:
    listing = table("release", "created", "architecture", "precision", "classes", "size", right=("release", "size"))
    for manifest in manifests:
        listing.add_row(
            str(manifest.number),
            f"{manifest.created_at:%Y-%m-%d %H:%M}",
            manifest.architecture,
            manifest.precision,
            str(manifest.classes),
            f"{manifest.size_bytes / 1e6:.1f} MB",
        )
    print_table(listing)


def _summary(manifest: Manifest) -> dict[str, object]:
    return {
        "release": manifest.number,
        "created_at": manifest.created_at.isoformat(),
        "architecture": manifest.architecture,
        "precision": manifest.precision,
        "classes": manifest.classes,
        "size_bytes": manifest.size_bytes,
    }
