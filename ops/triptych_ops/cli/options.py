"""Options that several commands share, with the agreed names, variables and defaults."""

import click

from triptych.client import DEFAULT_TIMEOUT_S, DEFAULT_URL, LONGEST_TIMEOUT_S


def seconds(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    """Click callback: refuse what is no time that anybody waits."""
    if not 0 < value <= LONGEST_TIMEOUT_S:
        raise click.BadParameter(f"{value:g} is not more than 0 and at most {LONGEST_TIMEOUT_S:g} seconds")
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
    type=float,
    callback=seconds,
    default=DEFAULT_TIMEOUT_S,
    show_default=True,
    envvar="TRIPTYCH_TIMEOUT",
    help="Seconds that one request may take.  [TRIPTYCH_TIMEOUT]",
)
layout_option = click.option(
    "--layout",
    type=click.Choice(("auto", "classes", "splits", "pooled")),
    default="auto",
    show_default=True,
    help="What the folders are: classes; the parts of a split (train, val, test), used as such; or these, pooled and "
    "divided anew. auto: parts where all have such names and hold a folder for each class.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
