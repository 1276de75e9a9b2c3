"""`triptych rollout status`."""

import sys
import time
from datetime import UTC, datetime

import click

from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import print_json, print_table, say, table
from triptych_ops.rollout.changes import changes, foreign
from triptych_ops.rollout.course import course_of
from triptych_ops.rollout.operations import under_way
from triptych_ops.rollout.phases import ENGINE, Ask, Moment, Wait, following
from triptych_ops.rollout.plan import load_plan
from triptych_ops.rollout.state import Act, Phase, Rollout
from triptych_ops.rollout.world import World

from .access import Place, place_options

_WATCH_S = 1.0
_FIGURES = ("low", "high", "estimate", "stable_samples", "samples")  # `why` tells what they come to


@click.command("status")
@click.option("--watch", is_flag=True, help="Go on showing it until the rollout has ended.")
@place_options
@json_option
def status(watch: bool, place: Place, as_json: bool) -> None:
    """Show where the rollout is: shares, pods, the evidence, and what it waits for."""
    while True:
        rollout = under_way(place.record())
        world = place.cluster(rollout.plan).observe()
        if watch and sys.stdout.isatty():
            click.clear()
        _print(rollout, world, as_json=as_json)
        if not watch or rollout.ended:
            return
        time.sleep(_WATCH_S)


def _print(rollout: Rollout, world: World, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {**rollout.model_dump(mode="json"), "gates": gates_said(rollout), "waits_for": waits_for(rollout, world)}
        )
        return
    steps = load_plan(rollout.plan).steps
    say(f"rollout {rollout.number}: {rollout.release} over {rollout.origin.stable}, begun by {rollout.by}")
    listing = table("track", "release", "pods", "share", right=("release", "pods", "share"))
    share = rollout.wanted.weight_percent
    shown = {route.weight_percent for route in world.routes} or {share}
    percent = str(shown.pop()) if len(shown) == 1 else "not one"
    for name, track, part in (("stable", world.stable, None), ("candidate", world.candidate, percent)):
        release = str(track.binding.release) if track.binding else "not one"
        given = part if part is not None else (str(100 - int(percent)) if percent.isdigit() else "not one")
        listing.add_row(name, release, f"{track.ready} of {track.replicas}", f"{given} %")
    print_table(listing)
    click.echo("")
    if rollout.wanted.sticky is not None:
        click.echo(f"sticky  {rollout.wanted.sticky} goes to the candidate")
    if (gates := gates_said(rollout)) is not None:
        click.echo(f"gates   {gates}")
    click.echo(f"step    {min(rollout.step + 1, len(steps))} of {len(steps)}, {rollout.phase}")
    if rollout.latest is not None:
        click.echo(f"verdict {rollout.latest.act}: {rollout.latest.why}")
        _print_evidence(rollout)
    click.echo(f"waits   for {waits_for(rollout, world)}")


def gates_said(rollout: Rollout) -> str | None:
    """What the gates found; None where none was asked yet, or by nobody who decides for them."""
    of_gates = (each for each in rollout.decisions if each.phase is Phase.CHECKING and each.by == ENGINE)
    return next((each.why for each in of_gates if each.act in (Act.PASS, Act.ABORT)), None)


def _print_evidence(rollout: Rollout) -> None:
    rows = rollout.latest.evidence if rollout.latest else ()
    if not rows:
        return
    columns = tuple(column for column in rows[0] if column != "moved")  # the sentences have it
    figures = tuple(name for name in _FIGURES if name in columns)
    listing = table(*columns, right=figures, gives_up=figures)
    for row in rows:
        listing.add_row(*(_shown(row.get(column)) for column in columns))
    print_table(listing)


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def waits_for(rollout: Rollout, world: World) -> str:
    """What must happen before the rollout goes on."""
    if rollout.ended:
        return f"nothing: {rollout.phase}"
    if rollout.paused is not None:
        return f"an operator: {rollout.paused}"
    if edits := foreign(rollout, world):
        return f"an operator: {edits[0]}"
    if todo := changes(rollout, world):
        return f"{todo[0].seen.name} to be written"
    found = following(Moment(rollout, world, course_of(load_plan(rollout.plan)), datetime.now(UTC)))
    if isinstance(found, Wait):
        return found.what
    return {Ask.GATES: "the gates", Ask.JUDGE: "the verdict"}[found] if isinstance(found, Ask) else "its driver"
