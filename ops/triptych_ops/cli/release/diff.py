"""`triptych release diff`."""

import dataclasses
from collections.abc import Iterator

import click

from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import print_json, print_table, printable, table
from triptych_ops.cli.store_option import store_option
from triptych_ops.release import Comparison, LabelChanges, Store, compare

_LABELS_SHOWN = 10  # of each kind; --json has all
_DIGITS, _MOST_DIGITS = 4, 17  # of a number; a double has 17


@click.command("diff")
@click.argument("before")
@click.argument("after")
@store_option
@json_option
def diff_releases(before: str, after: str, store: Store, as_json: bool) -> None:
    """Show what differs between two releases, each a number or an alias. It exits with 0 where they differ, too."""
    old, new = store.release(before), store.release(after)
    comparison = compare(old, new)
    if as_json:
        print_json({"before": old.number, "after": new.number, **dataclasses.asdict(comparison)})
        return
    if not comparison:
        click.echo(f"releases {old.number} and {new.number} differ in their number alone")
        return
    if comparison.changes:
        sheet = table("", f"release {old.number}", f"release {new.number}")
        for change in comparison.changes:
            sheet.add_row(change.what, *_words(change.before, change.after))
        print_table(sheet)
    for line in _lines(comparison):
        click.echo(printable(line))


def _lines(comparison: Comparison) -> Iterator[str]:
    yield from _label_lines(comparison.labels)
    for name, diff in comparison.configurations.items():
        yield f"{name}:"
        yield from (f"  {line}" for line in diff)
    for what in ("added", "removed", "altered"):
        yield from (f"file {what}: {name}" for name in getattr(comparison, f"files_{what}"))


def _label_lines(labels: LabelChanges) -> Iterator[str]:
    kinds = {
        "added": labels.added,
        "removed": labels.removed,
        "renamed": [f"{label.class_id}: {label.before} -> {label.after}" for label in labels.renamed],
        "moved": [f"{label.label}: {_word(label.before)} -> {_word(label.after)}" for label in labels.moved],
    }
    for what, lines in kinds.items():
        yield from (f"label {what}: {line}" for line in lines[:_LABELS_SHOWN])
        if len(lines) > _LABELS_SHOWN:
            yield f"label {what}: and {len(lines) - _LABELS_SHOWN} more; see --json"


def _words(before: object, after: object) -> tuple[str, str]:
    """Both sides with as many digits as tell them apart, four at least."""
    for digits in range(_DIGITS, _MOST_DIGITS):
        words = _word(before, digits=digits), _word(after, digits=digits)
        if words[0] != words[1]:
            return words
    return _word(before, digits=_MOST_DIGITS), _word(after, digits=_MOST_DIGITS)


def _word(value: object, *, digits: int = _DIGITS) -> str:
    if isinstance(value, list):
        return ", ".join(_word(each, digits=digits) for each in value)
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    return "-" if value is None else printable(str(value))
