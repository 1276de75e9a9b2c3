"""Options that several commands share, with the agreed names, variables and defaults."""

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
url_option = click.option(
    "--url",
    default="grpc://localhost:8001",
    show_default=True,
    envvar="TRIPTYCH_URL",
    help="Server: grpc://HOST:PORT or http://HOST:PORT.  [TRIPTYCH_URL]",
)
timeout_option = click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    envvar="TRIPTYCH_TIMEOUT",
    help="Seconds that one request may take.  [TRIPTYCH_TIMEOUT]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
