"""`triptych loadtest run`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from loadtests.engine import Plan, run
from loadtests.objectives import Objective, judged
from loadtests.pictures import MixDescription
from loadtests.profiles import DEFAULT_PER_S, DEFAULT_USERS, SMOKE_S, SUMMARIES, profile
from loadtests.records import summaries
from loadtests.report import found_in, write
from loadtests.statistics import Watch, statistics_of
from loadtests.users.target import Target
from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import Steps
from triptych_ops.cli.stopping import stop_requested

from .concluding import conclude
from .objective_options import objective_options
from .progress import reporter
from .sending_options import sending_options

_PROFILES = "; ".join(f"{name} ({profile(name).seconds:g} s): {summary}" for name, summary in SUMMARIES.items())


@click.command("run", epilog=f"Profiles, with the time they take by default: {_PROFILES}")
@click.argument("name", metavar="PROFILE")
@sending_options
@objective_options
@click.option(
    "--statistics",
    "statistics_urls",
    multiple=True,
    metavar="URL",
    help="Triton to ask for its own statistics, each of them; for a target that is an edge or a gateway.",
)
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
    help="Folder for record and report.  [default: loadtest-PROFILE-TIME, here]",
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
    objectives: Sequence[Objective] | None,
    statistics_urls: tuple[str, ...],
    per_s: float,
    users: int,
    seconds: float | None,
    smoke: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Run a load profile against a server, record every request, and report.

    Requests of an open loop come when they are due, however long others wait, and latency counts from then. What is not
    sent since too many are under way is dropped, and counted.

    The report tells of each stage, of the server's own statistics, and what it was limited by.

    Exit 4 where an objective was not held, 1 where nobody answers, all answers are errors or a generator process is
    lost, 6 where the generator itself was the bottleneck, or the run was stopped. Record and report stay in all of
    these cases.
    """
    if smoke and seconds is not None:
        raise click.UsageError("--smoke and --seconds both say how long; leave one out")
    chosen = profile(name, per_s=per_s, users=users)
    if smoke or seconds is not None:
        chosen = chosen.lasting(SMOKE_S if seconds is None else seconds)
    folder = out or Path(f"loadtest-{name}-{datetime.now(UTC):%Y%m%d-%H%M%S}")
    plan = Plan(profile=chosen, target=target, folder=folder, mix=mix, seed=seed, processes=processes)
    judged(objectives or (), summaries(chosen, ()))  # a stage that there is not is to be told before, not after
    ask = partial(statistics_of, statistics_urls or target.urls, headers=dict(target.headers))
    with stop_requested() as stop, Steps() as step:
        step(f"{name}: {chosen.seconds:g} s at {', '.join(target.urls)}")
        run(plan, report=reporter(step, Watch(folder, ask)), stop=stop, statistics=ask)
    finding = found_in(folder, objectives=objectives)
    write(finding, folder)
    context.exit(conclude(finding, folder, as_json=as_json))
