"""The option that names the store; apart from the others because it needs the release package."""

import re
from pathlib import Path

import click

from triptych_ops.release import Store

_SLIP = re.compile(r"s3:(?!//)", re.IGNORECASE)


def open_store(location: str) -> Store:
    """The store at a location that somebody gave.

    Raises:
        UsageError: it is neither a folder's path, with `~` for the home folder, nor s3://BUCKET/PREFIX.
        ModuleNotFoundError: the package for it is not installed.
    """
    if not location.strip():
        raise click.BadParameter("it is empty; name a folder or s3://BUCKET/PREFIX")
    if _SLIP.match(location):
        raise click.BadParameter(f"{location!r} is neither a folder nor a bucket; write s3://BUCKET/PREFIX")
    return Store(location if "://" in location else Path(location).expanduser())


def _store(_context: click.Context, _parameter: click.Parameter, value: str) -> Store:
    return open_store(value)


store_option = click.option(
    "--store",
    callback=_store,
    metavar="PATH|s3://BUCKET/PREFIX",
    default=".",
    show_default=True,
    envvar="TRIPTYCH_STORE",
    help="What holds releases/: a folder, or a bucket by the AWS_* variables.  [TRIPTYCH_STORE]",
)
