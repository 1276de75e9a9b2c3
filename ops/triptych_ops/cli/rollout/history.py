"""`triptych rollout history`."""

import click

from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import print_json, print_table, say, table
from triptych_ops.errors import MissingError
from triptych_ops.rollout.operations import under_way
from triptych_ops.rollout.state import Record, Rollout

from .access import Place, place_options


@click.command("history")
@click.argument("number", type=int, required=False)
@place_options
@json_option
def history(number: int | None, place: Place, as_json: bool) -> None:
    """List the rollouts, oldest first, or every decision of rollout NUMBER."""
    record = place.record()
    if number is None:
        _list(_all(record), as_json)
        return
    rollout = kept(record, number)
    if as_json:
        print_json(rollout.model_dump(mode="json"))
        return
    _show(rollout)


def kept(record: Record, number: int | None) -> Rollout:
    """The rollout of this number, or the last.

    Raises:
        MissingError: it is not kept, or there is none.
    """
    if number is None:
        return under_way(record)
    rollout = next((each for each in _all(record) if each.number == number), None)
    if rollout is None:
        raise MissingError(f"no rollout {number} is kept; see triptych rollout history")
    return rollout


def _all(record: Record) -> list[Rollout]:
    return [*record.history, *([record.current] if record.current else [])]


def _list(found: list[Rollout], as_json: bool) -> None:
    if as_json:
        keys = {"number", "release", "by", "started", "phase"}
        print_json({"rollouts": [each.model_dump(mode="json", include=keys) for each in found]})
        return
    listing = table(
        "rollout", "release", "over", "state", "by", "began", right=("rollout", "release", "over"), gives_up=("by",)
    )
    for each in found:
        over = str(each.origin.stable.release)
        began = each.started.isoformat(timespec="seconds")
        listing.add_row(str(each.number), str(each.release.release), over, each.phase, each.by, began)
    print_table(listing)


def _show(rollout: Rollout) -> None:
    listing = table("at", "phase", "step", "decision", "by", "why", right=("step",), gives_up=("by", "phase"))
    for each in rollout.decisions:
        at = each.at.isoformat(timespec="seconds")
        listing.add_row(at, each.phase, str(each.step + 1), each.act, each.by, each.why)
    print_table(listing)
    if rollout.forgotten:
        say(f"{rollout.forgotten} more decisions, which changed nothing, are not kept in the record")
