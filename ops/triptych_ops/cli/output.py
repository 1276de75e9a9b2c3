"""Tables for people, JSON for programs, both on stdout; progress on stderr."""

import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import click

if TYPE_CHECKING:
    from rich.console import Console

SCHEMA_VERSION = 1


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON object on one line, with the schema's version first."""
    click.echo(json_text({"schema_version": SCHEMA_VERSION, **document}))


def json_text(document: Mapping[str, Any], *, indent: int | None = None) -> str:
    """Return the document as JSON; null stands for a number that is not finite, for which JSON has no word."""
    try:
        return json.dumps(document, indent=indent, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(document), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


Cell: TypeAlias = str | tuple[str, ...]
"""A line, or one below the other. Most of what stands in cells is foreign: it is escaped where it is printed."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below the names of their columns."""

    columns: tuple[str, ...]
    right: frozenset[str]  # columns of numbers
    rows: list[tuple[Cell, ...]] = field(default_factory=list)

    def add_row(self, *cells: Cell) -> None:
        """Add a row, with a cell for each column."""
        self.rows.append(cells)


def table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """An empty table; the columns in `right` hold numbers."""
    return Table(columns, frozenset(right))


def print_table(table: Table) -> None:
    """A table, never wider than the terminal, never cut where stdout is a file."""
    from rich.box import SIMPLE
    from rich.table import Table as RichTable

    made = RichTable(box=SIMPLE, show_edge=False, pad_edge=False)
    for column in table.columns:
        made.add_column(printable(column), justify="right" if column in table.right else "left")
    for row in table.rows:
        made.add_row(*map(_printable_cell, row))
    console = _console(width=None if sys.stdout.isatty() else 200)
    with console.capture() as captured:
        console.print(made)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _printable_cell(cell: Cell) -> str:
    return printable(cell) if isinstance(cell, str) else "\n".join(map(printable, cell))


def _console(*, stderr: bool = False, width: int | None = None) -> "Console":
    """It knows no markup: labels and paths are shown as they are, brackets and colons included."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, width=width)


def say(message: str) -> None:
    """A line on stderr."""
    click.echo(message, err=True)


def printable(text: str) -> str:
    """The text with what would move the cursor or change colours escaped: file names and labels are foreign."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


NOTE = "note: "
"""Begins a message that is no step of the work, and so stays on the screen."""


class Steps:
    """Says each step of long work on stderr: a spinner on a terminal, plain lines elsewhere.

    What begins with `NOTE` is a line that stays.
    """

    def __init__(self) -> None:
        self._console = _console(stderr=True)
        self._status = self._console.status("starting") if self._console.is_terminal else None

    def __enter__(self) -> Callable[[str], None]:
        if self._status:
            self._status.start()
        return self._report

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def _report(self, step: str) -> None:
        if step.startswith(NOTE):
            self._console.print(printable(step), soft_wrap=True)
        elif self._status:
            self._status.update(step)
        else:
            say(f"{step} ...")
