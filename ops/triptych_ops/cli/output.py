"""Tables for people, JSON for programs, both on stdout; progress on stderr."""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

SCHEMA_VERSION = 1


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON object on one line, with the schema's version first."""
    click.echo(json.dumps({"schema_version": SCHEMA_VERSION, **document}))


def print_table(table: Table) -> None:
    """A table, never wider than the terminal, never cut where stdout is a file."""
    # No markup: labels and paths are shown as they are, brackets and colons included.
    console = Console(markup=False, emoji=False, highlight=False, width=None if sys.stdout.isatty() else 200)
    with console.capture() as captured:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """An empty table; the columns in `right` hold numbers."""
    made = Table(box=SIMPLE, show_edge=False, pad_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left")
    return made


def say(message: str) -> None:
    """A line on stderr."""
    click.echo(message, err=True)


def printable(text: str) -> str:
    """The text with what would move the cursor or change colours escaped: file names and labels are foreign."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


class Steps:
    """Says each step of long work on stderr: a spinner on a terminal, plain lines elsewhere."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, markup=False, emoji=False, highlight=False)
        self._status = self._console.status("starting") if self._console.is_terminal else None

    def __enter__(self) -> Callable[[str], None]:
        if self._status:
            self._status.start()
        return self._report

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def _report(self, step: str) -> None:
        if self._status:
            self._status.update(step)
        else:
            say(f"{step} ...")
