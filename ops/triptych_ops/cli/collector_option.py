"""Where spans are sent: of `triptych serve`, and of `triptych edge`."""

import click

from triptych_ops.runtime import Collector


def _collector(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Collector | None:
    return Collector.at(value) if value else None


collector_option = click.option(
    "--otlp-endpoint",
    "collector",
    metavar="URL",
    callback=_collector,
    envvar="TRIPTYCH_SERVE_OTLP_ENDPOINT",
    help="Send spans of requests with a traceparent to http://HOST:4318.  [TRIPTYCH_SERVE_OTLP_ENDPOINT]",
)
"""An option: a base URL of OTLP over HTTP, given to the command as `collector: Collector | None`."""
