"""The option that names the store; apart from the others because it needs the release package."""

from pathlib import Path

import click

from triptych_ops.release import Store


def _store(_context: click.Context, _parameter: click.Parameter, value: str) -> Store:
    if "://" in value:
        raise click.BadParameter(f"{value!r} is a URL; a store is a folder")
    return Store(Path(value))


store_option = click.option(
    "--store",
    callback=_store,
    metavar="PATH",
    default=".",
    show_default=True,
    envvar="TRIPTYCH_STORE",
    help="Folder that holds releases/.  [TRIPTYCH_STORE]",
)
