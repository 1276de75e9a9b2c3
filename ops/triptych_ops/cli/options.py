"""Options that several commands share, with the agreed names, variables and defaults."""

import math

import click

from triptych.client import DEFAULT_TIMEOUT_S, DEFAULT_URL


def _finite(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a number of seconds")
    return value


url_option = click.option(
    "--url",
    default=DEFAULT_URL,
    show_default=True,
    envvar="TRIPTYCH_URL",
    help="Server: grpc://HOST:PORT or http://HOST:PORT.  [TRIPTYCH_URL]",
)
timeout_option = click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    callback=_finite,
    default=DEFAULT_TIMEOUT_S,
    show_default=True,
    envvar="TRIPTYCH_TIMEOUT",
    help="Seconds that one request may take.  [TRIPTYCH_TIMEOUT]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
