"""`triptych loadtest rollout`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from loadtests.engine import Plan
from loadtests.objectives import Objective
from loadtests.pictures import MixDescription
from loadtests.report import State, found_in, write
from loadtests.rollouts import Command, Driven, RolloutTraffic, document, drive, rollout_profile, traffic
from loadtests.statistics import Watch, statistics_of
from loadtests.users.target import Target
from triptych_ops.cli import failures
from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import Steps, json_text, print_json, print_table, say, table
from triptych_ops.cli.stopping import stop_requested

from .objective_options import objective_options
from .progress import reporter
from .sending_options import sending_options

_COLUMNS = ("release", "answered", "share", "first", "last", "p50 ms", "p99 ms")
_FILE = "rollout.json"


@click.command("rollout")
@click.argument("words", metavar="[-- COMMAND...]", nargs=-1, type=click.UNPROCESSED)
@sending_options
@objective_options
@click.option(
    "--rate", "per_s", type=click.FloatRange(0.1, 1e6), default=40.0, show_default=True, help="Requests a second."
)
@click.option(
    "--seconds",
    type=click.FloatRange(1, 604_800),
    default=600.0,
    show_default=True,
    help="How long at most; without a command, how long.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the record.  [default: rollout-TIME, here]")
@json_option
@click.pass_context
def rollout(
    context: click.Context,
    words: tuple[str, ...],
    target: Target,
    mix: MixDescription,
    seed: int,
    processes: int,
    objectives: Sequence[Objective] | None,
    per_s: float,
    seconds: float,
    out: Path | None,
    as_json: bool,
) -> None:
    """Send load while a release is rolled out, and count what failed and what was mixed.

    With a command, as `-- triptych rollout start --release 8 --plan plan.yaml`, it is started after three seconds of
    load, which lasts until three seconds after its end. Without one, until --seconds are over or Ctrl-C.

    An answer is mixed where two releases answered one request, or where one that names a release has other scores for
    the picture than that release had before.

    Exit 4 where a request failed, was mixed or dropped, or an objective was not held; 1 where the command failed; 6
    where it had not ended with the load.
    """
    folder = out or Path(f"rollout-{datetime.now(UTC):%Y%m%d-%H%M%S}")
    profile = rollout_profile(per_s, seconds, [str(each) for each in objectives or ()])
    plan = Plan(profile=profile, target=target, folder=folder, mix=mix, seed=seed, processes=processes)
    ask = partial(statistics_of, target.urls, headers=dict(target.headers))
    with stop_requested() as stop, Steps() as step:
        step(f"{per_s:g} requests/s at {', '.join(target.urls)}")
        command = Command(words=words) if words else None
        driven = drive(plan, command, report=reporter(step, Watch(folder, ask)), stop=stop, statistics=ask)
    finding = found_in(folder)
    write(finding, folder)
    found = traffic(finding.stored.samples)
    told = {**document(found), "command": list(words), "status": driven.status, "in_time": driven.in_time}
    (folder / _FILE).write_text(json_text(told, indent=1) + "\n")
    if as_json:
        print_json({**told, "folder": str(folder)})
    else:
        _print(found)
    say(str(found))
    broken = [str(verdict) for verdict in finding.verdicts if not verdict.held]
    context.exit(_conclude(found, driven, broken, is_failed=finding.state is State.FAILED, reason=finding.reason))


def _print(found: RolloutTraffic) -> None:
    rows = table(*_COLUMNS, right=_COLUMNS, gives_up=("last", "first"))
    for each in found.releases:
        times = (f"{moment_s:.1f} s" for moment_s in (each.first_s, each.last_s))
        latencies = (f"{value_s * 1000:.1f}" for value_s in (each.p50_s, each.p99_s))
        rows.add_row(str(each.release), str(each.answered), f"{each.share:.1%}", *times, *latencies)
    print_table(rows)


def _conclude(found: RolloutTraffic, driven: Driven, broken: Sequence[str], *, is_failed: bool, reason: str) -> int:
    if is_failed:
        say(f"triptych: {reason}")
        return failures.FAILED
    if not found.is_clean:
        say(f"triptych: the rollout was noticed: {found}")
        return failures.REFUSED
    if broken:
        say(f"triptych: an objective was not held: {'; '.join(broken)}")
        return failures.REFUSED
    if driven.status:
        say(f"triptych: no request failed, but the command ended with {driven.status}")
        return failures.FAILED
    if not driven.in_time:
        say("triptych: the command had not ended with the load; name more --seconds")
        return failures.INCONCLUSIVE
    return failures.DONE
