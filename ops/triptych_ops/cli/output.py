"""Tables for people, JSON for programs, both on stdout; progress on stderr."""

import json
import math
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, zip_longest
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

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

_GAPS: Final = (3, 2)  # blanks between columns: the second where the first makes a table too wide
_RULE: Final = "\N{BOX DRAWINGS LIGHT HORIZONTAL}"
_PROSE: Final = 20  # a column of text is wrapped at blanks, but not to less than this


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below the names of their columns."""

    columns: tuple[str, ...]
    right: frozenset[str]  # columns of numbers
    gives_up: tuple[str, ...] = ()  # columns that a narrow terminal does not show, the first one first
    rows: list[tuple[Cell, ...]] = field(default_factory=list)

    def add_row(self, *cells: Cell) -> None:
        """Add a row, with a cell for each column."""
        self.rows.append(cells)


def table(*columns: str, right: tuple[str, ...] = (), gives_up: tuple[str, ...] = ()) -> Table:
    """Make an empty table.

    right:    columns that hold numbers
    gives_up: columns that are left out where the terminal is too narrow for all, in this order

    Raises:
        ValueError: `gives_up` names what is no column.
    """
    if unknown := set(gives_up) - set(columns):
        raise ValueError(f"the table has no column {min(unknown)!r}")
    return Table(columns, frozenset(right), gives_up)


def print_table(table: Table) -> None:
    """Print a table no wider than the terminal; whole, where stdout is a file.

    Where it is too wide, text is wrapped at blanks, then whole columns are left out, which stderr names. A row that
    does not fit even so has its cells one below the other. No cell is ever shortened, and no word is divided.
    """
    width = _terminal_columns()
    made = layout(table, width)
    for line in made.header:
        click.secho(line, bold=True)
    for line in made.lines:
        click.echo(line)
    if made.left_out:
        missing = ", ".join(made.left_out)
        say(f"not shown on {width} columns: {missing}; a wider terminal shows them, and --json")


class Layout(NamedTuple):
    """A table in lines of text: the names of its columns, all below them, and the columns that were left out."""

    header: list[str]
    lines: list[str]
    left_out: list[str]


def layout(table: Table, width: int | None) -> Layout:
    """Lay a table out in lines of at most `width` characters.

    A line is longer only where it holds a word that is longer than the terminal is wide.
    """
    names = [printable(name) for name in table.columns]
    right = [name in table.right for name in table.columns]
    rows = [[_lines(cell) for cell in row] for row in table.rows]
    shown = list(range(len(names)))
    left_out: list[str] = []
    for given_up in (None, *table.gives_up):
        if given_up is not None:
            place = table.columns.index(given_up)
            shown.remove(place)
            left_out.append(names[place])
        sheet = _Sheet([names[i] for i in shown], [right[i] for i in shown], [[row[i] for i in shown] for row in rows])
        if fitted := sheet.fitted(width):
            return Layout(sheet.header(*fitted), sheet.text(*fitted), left_out)
    return sheet.stacked(width or 0, left_out)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The columns that are shown: their names, whether they hold numbers, and the lines of each row's cells."""

    names: list[str]
    right: list[bool]
    rows: list[list[list[str]]]

    def fitted(self, width: int | None) -> tuple[list[int], int] | None:
        """The width of each column and of the gap between them, or None where the terminal is too narrow."""
        natural = [
            max(map(_width, (name, *(line for row in self.rows for line in row[place]))))
            for place, name in enumerate(self.names)
        ]
        if width is None:
            return natural, _GAPS[0]
        for gap in _GAPS:
            if _total(natural, gap) <= width:
                return natural, gap
        least = [
            whole if self.right[place] else min(whole, max(_PROSE, self._longest_word(place)))
            for place, whole in enumerate(natural)
        ]
        gap = _GAPS[-1]
        spare, wanted = width - _total(least, gap), sum(natural) - sum(least)
        if spare < 0:
            return None
        return [small + spare * (whole - small) // wanted for whole, small in zip(natural, least, strict=True)], gap

    def header(self, widths: list[int], gap: int) -> list[str]:
        """The names of the columns."""
        return [self._line(self.names, widths, gap)]

    def text(self, widths: list[int], gap: int) -> list[str]:
        """A rule, and the rows."""
        return [_RULE * _total(widths, gap), *(line for row in self.rows for line in self._row(row, widths, gap))]

    def stacked(self, width: int, left_out: list[str]) -> Layout:
        """The same, but rows with a word that is too long for its column have their cells one below the other."""
        fit = [bool(_Sheet(self.names, self.right, [row]).fitted(width)) for row in self.rows]
        sheet = _Sheet(self.names, self.right, list(compress(self.rows, fit)))
        fitted = sheet.fitted(width) if sheet.rows else None
        if fitted is None:
            return Layout([], [line for row in self.rows for line in self._stack(row, width)], left_out)
        lines = sheet.text(*fitted)[:1]
        for row, fits in zip(self.rows, fit, strict=True):
            lines += sheet._row(row, *fitted) if fits else self._stack(row, width)
        return Layout(sheet.header(*fitted), lines, left_out)

    def _longest_word(self, place: int) -> int:
        words = (word for row in self.rows for line in row[place] for word in line.split(" "))
        return max(map(_width, (self.names[place], *words)))

    def _row(self, row: list[list[str]], widths: list[int], gap: int) -> list[str]:
        cells = [
            [part for line in lines for part in _wrapped(line, width)] for lines, width in zip(row, widths, strict=True)
        ]
        return [self._line(line, widths, gap) for line in zip_longest(*cells, fillvalue="")]

    def _line(self, cells: Sequence[str], widths: list[int], gap: int) -> str:
        padded = (
            " " * (width - _width(cell)) + cell if right else cell + " " * (width - _width(cell))
            for cell, width, right in zip(cells, widths, self.right, strict=True)
        )
        return (" " * gap).join(padded).rstrip()

    def _stack(self, row: list[list[str]], width: int) -> list[str]:
        first, *others = row
        lines = [part for line in first for part in _wrapped(line, width)]
        for name, cell in zip(self.names[1:], others, strict=True):
            title = f"{name}: " if name else ""
            for line in cell:
                lines += [f"  {part}" for part in _wrapped(f"{title}{line}", width - 2)]
        return lines


def _terminal_columns() -> int | None:
    """How wide the terminal is that stdout goes to; None where it goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _lines(cell: Cell) -> list[str]:
    return [printable(line) for line in ((cell,) if isinstance(cell, str) else cell)]


def _width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    from rich.cells import cell_len

    return cell_len(text)


def _total(widths: list[int], gap: int) -> int:
    return sum(widths) + gap * (len(widths) - 1)


def _wrapped(line: str, width: int) -> list[str]:
    """The line in parts of at most `width` columns, divided at blanks alone."""
    if _width(line) <= width:
        return [line]
    parts = [""]
    for word in line.split(" "):
        longer = f"{parts[-1]} {word}" if parts[-1] else word
        if _width(longer) <= width or not parts[-1]:
            parts[-1] = longer
        else:
            parts.append(word)
    return parts


def _console(*, stderr: bool = False) -> "Console":
    """It knows no markup: labels and paths are shown as they are, brackets and colons included."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


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
