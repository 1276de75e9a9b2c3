"""`triptych loadtest run`."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from loadtests.engine import Plan, Progress, run
from loadtests.pictures import MixDescription
from loadtests.profiles import DEFAULT_PER_S, DEFAULT_USERS, SMOKE_S, SUMMARIES, profile
from loadtests.records import GOOD, Ending, Outcome, StageSummary, read, summaries
from loadtests.users.target import Target
from triptych_ops.cli import failures
from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import Steps, print_json, print_table, say, table
from triptych_ops.cli.stopping import stop_requested

from .sending_options import sending_options

_EXIT_CODES: Final[Mapping[Outcome, int]] = {
    Outcome.DONE: failures.DONE,
    Outcome.STOPPED: failures.INCONCLUSIVE,
    Outcome.ONLY_ERRORS: failures.FAILED,
    Outcome.UNREACHABLE: failures.FAILED,
    Outcome.WORKER_LOST: failures.FAILED,
    Outcome.GENERATOR_BOUND: failures.INCONCLUSIVE,
}
_LINE_EVERY_S: Final = 5.0  # of progress, where stderr is no terminal


@click.command("run", epilog="Profiles: " + "; ".join(f"{name}: {summary}" for name, summary in SUMMARIES.items()))
@click.argument("name", metavar="PROFILE")
@sending_options
@click.option(
    "--rate",
    "per_s",
    type=float,
    default=DEFAULT_PER_S,
    show_default=True,
    help="Requests a second that the profile's stages are multiples of.",
)
@click.option(
    "--users",
    type=int,
    default=DEFAULT_USERS,
    show_default=True,
    help="Users in a closed loop that the profile's stages are multiples of.",
)
@click.option("--seconds", type=click.FloatRange(1, 604_800), help="Run the profile in so many seconds.")
@click.option("--smoke", is_flag=True, help=f"Run it in {SMOKE_S:g} seconds: to see that all works, not to judge.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for the record.  [default: loadtest-PROFILE-TIME, here]",
)
@json_option
@click.pass_context
def run_profile(
    context: click.Context,
    name: str,
    target: Target,
    mix: MixDescription,
    seed: int,
    processes: int,
    per_s: float,
    users: int,
    seconds: float | None,
    smoke: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Run a load profile against a server, and record every request.

    Requests of an open loop come when they are due, however long others wait, and latency counts from then. What is not
    sent since too many are under way is dropped, and counted.

    Exit 1 where nobody answers, all answers are errors or a generator process is lost, 6 where the generator itself was
    the bottleneck, or the run was stopped. The record stays in all of these cases.
    """
    if smoke and seconds is not None:
        raise click.UsageError("--smoke and --seconds both say how long; leave one out")
    chosen = profile(name, per_s=per_s, users=users)
    if smoke or seconds is not None:
        chosen = chosen.lasting(SMOKE_S if seconds is None else seconds)
    folder = out or Path(f"loadtest-{name}-{datetime.now(UTC):%Y%m%d-%H%M%S}")
    plan = Plan(profile=chosen, target=target, folder=folder, mix=mix, seed=seed, processes=processes)
    with stop_requested() as stop, Steps() as step:
        step(f"{name}: {chosen.seconds:g} s at {', '.join(target.urls)}")
        ending = run(plan, report=_reporter(step), stop=stop)
    found = summaries(chosen, read(folder).samples)
    if as_json:
        stages = [dataclasses.asdict(each) for each in found]
        print_json({"profile": name, "folder": str(folder), "outcome": ending.outcome, "stages": stages})
    else:
        _print(found)
    _conclude(ending, folder)
    context.exit(_EXIT_CODES[ending.outcome])


def _reporter(step: Callable[[str], None]) -> Callable[[Progress], None]:
    """What says how a run stands, now and then."""
    said_at_s = -_LINE_EVERY_S

    def report(progress: Progress) -> None:
        nonlocal said_at_s
        if progress.at_s - said_at_s < _LINE_EVERY_S:
            return
        said_at_s = progress.at_s
        bad = {code: count for code, count in progress.codes.items() if code not in GOOD}
        good = sum(progress.codes.values()) - sum(bad.values())
        latency = "" if progress.p50_s is None else f", half within {progress.p50_s * 1000:.0f} ms"
        wrong = "".join(f", {count} {code}" for code, count in sorted(bad.items()))
        step(f"{progress.at_s:.0f} s, {progress.stage}: {good} answered{latency}{wrong}")

    return report


def _print(found: Sequence[StageSummary]) -> None:
    shown = table(*_COLUMNS, right=_COLUMNS[1:])
    for each in found:
        name = each.stage if each.measured else f"({each.stage})"
        counts = (each.offered, each.good, each.sent - each.good, each.dropped, each.late)
        latencies = (_milliseconds(value) for value in (each.p50_s, each.p95_s, each.p99_s))
        shown.add_row(name, f"{each.seconds:.1f} s", *map(str, counts), f"{each.images_per_s:.1f}", *latencies)
    print_table(shown)


_COLUMNS = ("stage", "for", "due", "good", "bad", "dropped", "late", "images/s", "p50 ms", "p95 ms", "p99 ms")


def _milliseconds(value_s: float | None) -> str:
    return "-" if value_s is None else f"{value_s * 1000:.1f}"


def _conclude(ending: Ending, folder: Path) -> None:
    if ending.outcome is not Outcome.DONE:
        say(f"triptych: {ending.reason}")
    say(f"record in {folder}")
