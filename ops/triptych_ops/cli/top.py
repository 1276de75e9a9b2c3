"""`triptych top`: what servers and edges do now."""

import dataclasses
import sys
from typing import TYPE_CHECKING, Final

import click

from triptych_ops.errors import OpsError, UsageError

from .options import json_option
from .output import Table, print_json, print_table, say, table
from .stopping import stop_requested

if TYPE_CHECKING:
    from triptych_ops.monitoring.top import Overview, Served, Source

_PAGE: Final = "http://127.0.0.1:8002/metrics"
_PAGES_S, _STORED_S = 4.0, 60.0
_SERVED = ("track", "release", "requests/s", "failed", "images/s", "refused", "waits", "at", "batch", "runs", "score")
_SERVED_GIVES_UP = ("score", "runs", "batch", "at", "refused", "images/s", "waits")
_EDGES = ("track", "release", "edge requests/s", "failed", "p50", "p99")
_CLASSES = ("track", "release", "classified as", "share")
_TEXTS = ("track", "at", "classified as")


@click.command()
@click.option(
    "--metrics",
    "pages",
    multiple=True,
    metavar="URL",
    help=f"Metrics of a server or an edge; may be repeated.  [default: {_PAGE}]",
)
@click.option("--prometheus", metavar="URL", help="Ask this one instead, as http://prometheus.monitoring.svc:9090.")
@click.option("--namespace", default="", help="Of the servers, in Prometheus.  [any]")
@click.option("--every", "every_s", type=click.FloatRange(0.5, 3600), default=2.0, show_default=True, help="Seconds.")
@click.option(
    "--window",
    "window_s",
    type=click.FloatRange(1, 86_400),
    help=f"Seconds looked back.  [default: {_PAGES_S:g}, of Prometheus {_STORED_S:g}]",
)
@click.option("--once", is_flag=True, help="Show it once, and end.")
@json_option
def top(
    pages: tuple[str, ...],
    prometheus: str | None,
    namespace: str,
    every_s: float,
    window_s: float | None,
    once: bool,
    as_json: bool,
) -> None:
    """Show what servers and edges do now, by track and release, until Ctrl-C.

    Requests, failures, images, those that were refused, where a request waits longest and how long, images in one run
    of the classifier and what that takes, the best class's mean probability, the most frequent classes; of edges the
    latency, too. From their own metrics, or from a Prometheus that scrapes them. With --json an object each time.
    """
    source = _source(pages, prometheus, namespace, window_s)
    with stop_requested() as stop:
        while True:
            try:
                found = source.overview()
            except OpsError as error:
                if once or not sys.stdout.isatty():
                    raise
                click.clear()
                say(f"triptych: {error}; trying again")
                found = None
            if found is not None:
                _show(found, as_json=as_json, clear=not once and sys.stdout.isatty())
            if (once and found is not None) or stop.wait(every_s):
                return


def _source(pages: tuple[str, ...], prometheus: str | None, namespace: str, window_s: float | None) -> "Source":
    from triptych_ops.monitoring.top import Pages, Stored

    if prometheus and pages:
        raise UsageError("--metrics and --prometheus are two ways to ask; give one")
    if namespace and not prometheus:
        raise UsageError("--namespace is for --prometheus; pages of metrics have none")
    if prometheus:
        return Stored(prometheus, window_s=window_s or _STORED_S, namespace=namespace)
    return Pages(pages or (_PAGE,), window_s=window_s or _PAGES_S)


def _show(found: "Overview", *, as_json: bool, clear: bool) -> None:
    if as_json:
        print_json(dataclasses.asdict(found))
        return
    if clear:
        click.clear()
    if not found.served and not found.edges:
        click.echo(f"no server and no edge among {found.targets} pages of metrics")
        return
    served = _rows(_SERVED, gives_up=_SERVED_GIVES_UP)
    classes = _rows(_CLASSES)
    for each in found.served:
        served.add_row(each.track, each.release, *_cells(each))
        if each.classes:
            names, shares = each.classes.keys(), each.classes.values()
            classes.add_row(each.track, each.release, tuple(names), tuple(f"{share:.1%}" for share in shares))
    edges = _rows(_EDGES, gives_up=("p50",))
    for edge in found.edges:
        cells = (f"{edge.requests:.1f}", _percent(edge.failed), _ms(edge.p50_s), _ms(edge.p99_s))
        edges.add_row(edge.track, edge.release, *cells)
    for rows in (served, edges, classes):
        if rows.rows:
            print_table(rows)
            click.echo("")
    click.echo(f"the last {found.seconds:.0f} s of {found.targets} pages of metrics")


def _cells(each: "Served") -> tuple[str, ...]:
    return (
        f"{each.requests:.1f}",
        _percent(each.failed),
        f"{each.images:.1f}",
        _percent(each.refused),
        _ms(each.queue_s),
        each.queue_at if each.queue_s else "",
        "" if each.batch is None else f"{each.batch:.1f}",
        _ms(each.run_s),
        "" if each.score is None else f"{each.score:.2f}",
    )


def _rows(columns: tuple[str, ...], *, gives_up: tuple[str, ...] = ()) -> Table:
    return table(*columns, right=tuple(name for name in columns if name not in _TEXTS), gives_up=gives_up)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _ms(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.1f} ms"
