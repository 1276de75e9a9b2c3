"""`triptych rollout promote`, `pause` and `resume`: what whoever drives the rollout takes up within a second."""

from collections.abc import Callable
from datetime import UTC, datetime

import click

from triptych_ops.cli.output import say
from triptych_ops.rollout import operations
from triptych_ops.rollout.course import course_of
from triptych_ops.rollout.operations import amend, under_way
from triptych_ops.rollout.plan import load_plan
from triptych_ops.rollout.state import Record, Rollout

from .access import Place, operator, place_options

why_option = click.option("--why", default="", metavar="TEXT", help="Stands in the record.")


@click.command("promote")
@click.option("--whole", is_flag=True, help="All steps that are left, not the next one alone.")
@why_option
@place_options
def promote(whole: bool, why: str, place: Place) -> None:
    """Take the next step now, without waiting for more evidence."""
    told = why or ("all steps that are left" if whole else "the next step")
    _order(
        place,
        lambda found: operations.promote(
            found, course_of(load_plan(found.plan)), whole=whole, by=operator(), at=_now(), why=told
        ),
    )


@click.command("pause")
@why_option
@place_options
def pause(why: str, place: Place) -> None:
    """Let nothing go on until `resume`, `promote` or `abort`; the candidate keeps its share."""
    _order(place, lambda found: operations.pause(found, by=operator(), at=_now(), why=why or "an operator says so"))


@click.command("resume")
@why_option
@place_options
def resume(why: str, place: Place) -> None:
    """Go on after a pause; what somebody else had changed, as the pause says, is written over."""
    _order(place, lambda found: operations.resume(found, by=operator(), at=_now(), why=why or "an operator says so"))


def _order(place: Place, order: Callable[[Rollout], Rollout]) -> None:
    def ordered(record: Record) -> Record:
        return record.going_on(order(under_way(record)))

    rollout = under_way(amend(place.cluster(None), ordered))
    waiting = f", paused: {rollout.paused}" if rollout.paused is not None else ""
    say(f"rollout {rollout.number} of {rollout.release}: {rollout.phase}{waiting}")


def _now() -> datetime:
    return datetime.now(UTC)
