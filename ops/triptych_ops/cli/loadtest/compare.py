"""`triptych loadtest compare`."""

from dataclasses import asdict
from pathlib import Path

import click

from loadtests.comparison import Comparison, Margin, Row, Word, compared
from loadtests.objectives import Unit
from loadtests.objectives.objective import shown
from triptych_ops.cli import failures
from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import print_json, print_table, say, table

_COLUMNS = ("stage", "figure", "first", "second", "change", "but for chance", "")
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
    help="Share of a latency that is too little to matter.",
)
@json_option
@click.pass_context
def compare(context: click.Context, first: Path, second: Path, margin_ratio: float, as_json: bool) -> None:
    """Compare two runs of the same load, given by their folders or reports: what changed by more than chance.

    By the block bootstrap, which takes into account that neighbours in time are alike, at a level of 5 % for all
    figures together. What differs between the runs beside the server is told: a change may come from it, as from a
    machine that was busier.

    Exit 4 where a figure got worse by more than chance and by more than the margin, 6 where nothing can be compared.
    """
    found = compared(first, second, margin=Margin(ratio=margin_ratio))
    if as_json:
        rows = [{**asdict(row), "difference": row.change.difference} for row in found.rows]
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
    rows = table(*_COLUMNS, right=_COLUMNS[2:-1])
    for row in found.rows:
        values = (shown(value, row.unit) for value in (row.change.first, row.change.second))
        interval = f"{_relative(row, row.change.least)} to {_relative(row, row.change.most)}"
        rows.add_row(row.stage, row.figure, *values, _change(row), interval, _WORDS.get(row.word, row.word))
    print_table(rows)


def _change(row: Row) -> str:
    return _relative(row, row.change.difference)


def _relative(row: Row, difference: float) -> str:
    """Of latencies in percent of the first one, of shares in points."""
    if row.unit is Unit.RATIO:
        return f"{difference * 100:+.2f} points"
    return f"{difference / row.change.first * 100:+.1f}%" if row.change.first else f"{difference * 1000:+.1f} ms"
