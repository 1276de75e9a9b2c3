"""`triptych loadtest compare`."""

from dataclasses import asdict
from pathlib import Path

import click

from loadtests.comparison import FIGURES, Comparison, Margin, Row, Scale, Word, compared
from loadtests.objectives.objective import shown
from triptych_ops.cli import failures
from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import print_json, print_table, say, table

_COLUMNS = ("stage", "figure", "first", "second", "change", "95% interval", "detectable", "")
_WORDS = {Word.WORSE: "WORSE"}


def _folder(_context: click.Context, _parameter: click.Parameter, path: Path) -> Path:
    return path.parent if path.is_file() else path


@click.command("compare")
@click.argument("first", type=click.Path(path_type=Path), callback=_folder)
@click.argument("second", type=click.Path(path_type=Path), callback=_folder)
@click.option(
    "--margin",
    "margin_ratio",
    type=click.FloatRange(0, 1),
    default=Margin().ratio,
    show_default=True,
    help="Change of a latency that does not matter: 0.05 is 5 % slower, or as much faster. Of errors it is "
    f"{FIGURES['errors'].least:.1%}, of achieved {FIGURES['achieved'].least:.0%}.",
)
@json_option
@click.pass_context
def compare(context: click.Context, first: Path, second: Path, margin_ratio: float, as_json: bool) -> None:
    """Compare two runs of the same load, given by their folders or reports: what changed by more than chance.

    Latencies are compared as the ratio second / first, shares as the difference second - first, in percentage points
    (pt). The 95 % intervals hold for all figures together; they are made by the block bootstrap, which takes into
    account that neighbours in time are alike. "detectable" is the change that two such runs find in 4 of 5 cases, in
    either direction.

    WORSE and better: shown to differ by more than the margin. "within the margin": shown to differ, by less. "same":
    the whole interval is within the margin. "not shown to differ": neither is shown; longer runs tell more.

    What differs between the runs beside the server is told: a change may come from it, as from a machine that was
    busier.

    Exit 4 where a figure got worse by more than chance and by more than the margin, 6 where nothing can be compared.
    """
    found = compared(first, second, margin=Margin(ratio=margin_ratio))
    if as_json:
        rows = [asdict(row) for row in found.rows]
        print_json({"rows": rows, "differences": list(found.differences), "regressions": len(found.regressions)})
    else:
        _print(found)
    for difference in found.differences:
        say(f"not the same in both: {difference}")
    worse = found.regressions
    if worse:
        figures = ", ".join(f"{row.stage}: {row.figure} {_change(row)}" for row in worse)
        say(f"triptych: worse by more than chance: {figures}")
    context.exit(failures.REFUSED if worse else failures.DONE)


def _print(found: Comparison) -> None:
    rows = table(*_COLUMNS, right=_COLUMNS[2:-1], gives_up=("detectable", "second", "first"))
    for row in found.rows:
        values = (shown(value, row.unit) for value in (row.change.first, row.change.second))
        cells = (_change(row), _interval(row), _detectable(row), _WORDS.get(row.word, row.word))
        rows.add_row(row.stage, row.figure, *values, *cells)
    print_table(rows)


def _change(row: Row) -> str:
    if row.change.scale is Scale.RATIO:
        return f"{row.change.change:.3g} x"
    return f"{row.change.change * 100:+.2f} pt"


def _interval(row: Row) -> str:
    if row.change.scale is Scale.RATIO:
        return f"{row.change.low:.3g} to {row.change.high:.3g} x"
    return f"{row.change.low * 100:+.2f} to {row.change.high * 100:+.2f} pt"


def _detectable(row: Row) -> str:
    if row.change.scale is Scale.RATIO:
        return f"{row.change.detectable:.3g} x"
    return f"{row.change.detectable * 100:.2g} pt"
