"""`triptych loadtest find-max`."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from loadtests.capacity import DEFAULT_P99, Capacity, Limits, Trial, Trials, carried, search
from loadtests.engine import Plan
from loadtests.objectives import Objective
from loadtests.pictures import MixDescription
from loadtests.profiles import profile
from loadtests.statistics import statistics_of
from loadtests.users.target import Target
from triptych_ops.cli import failures
from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import Steps, json_text, print_json, print_table, say, table
from triptych_ops.cli.stopping import stop_requested

from .objective_options import objective_options
from .sending_options import sending_options

_COLUMNS = ("offered/s", "answered/s", "p50 ms", "p99 ms", "")


@click.command("find-max")
@sending_options
@click.option("--p99", metavar="TIME", help=f"The same as --objective 'p99<TIME'.  [default: {DEFAULT_P99}]")
@objective_options
@click.option(
    "--seconds",
    type=click.FloatRange(2, 3600),
    default=10.0,
    show_default=True,
    help="That a rate is measured; longer is more sure of the 99th percentile.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0.01, 0.5),
    default=Limits().tolerance,
    show_default=True,
    help="How near what is carried and what is not are in the end.",
)
@click.option(
    "--most",
    "most_per_s",
    type=click.FloatRange(min=1),
    default=Limits().most_per_s,
    show_default=True,
    help="Requests a second that are tried at most.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the trials.  [default: find-max-TIME, here]")
@json_option
@click.pass_context
def find_max(
    context: click.Context,
    target: Target,
    mix: MixDescription,
    seed: int,
    processes: int,
    p99: str | None,
    objectives: Sequence[Objective] | None,
    seconds: float,
    tolerance: float,
    most_per_s: float,
    out: Path | None,
    as_json: bool,
) -> None:
    """Find how many requests a second a server carries within its objectives.

    A binary search over rates of Poisson arrivals. A rate is carried, or is not, when two trials agree, of three at
    most. Beside the objectives errors<0.1% and achieved>99% must hold. The knee is the rate with the greatest
    throughput per delay (Kleinrock's power): above it, each percent of throughput costs more than a percent of time.

    Exit 4 where not even the least rate is carried, 6 where the generator was the bottleneck, or the most was carried.
    """
    wanted = carried(objectives or (), p99=p99)
    folder = out or Path(f"find-max-{datetime.now(UTC):%Y%m%d-%H%M%S}")
    plan = Plan(profile=profile("server"), target=target, folder=folder, mix=mix, seed=seed * 1000, processes=processes)
    limits = Limits(most_per_s=most_per_s, tolerance=tolerance)
    with stop_requested() as stop, Steps() as step:
        trials = Trials(
            plan,
            wanted,
            seconds=seconds,
            stop=stop,
            report=lambda trial: step(_line(trial)),
            statistics=partial(statistics_of, target.urls, headers=dict(target.headers)),
        )
        found = search(trials.attempt, first_per_s=0.8 * trials.guess(), limits=limits)
    _write(found, wanted, folder)
    if as_json:
        print_json({**_document(found, wanted), "folder": str(folder)})
    else:
        _print(found)
    context.exit(_conclude(found, wanted, folder))


def _line(trial: Trial) -> str:
    return f"{trial.per_s:.1f}/s: {_word(trial)}" + (f" ({trial.why})" if trial.why else "")


def _word(trial: Trial) -> str:
    return "carried" if trial.held else "generator was the bottleneck" if trial.generator_bound else "not carried"


def _print(found: Capacity) -> None:
    rows = table(*_COLUMNS, right=_COLUMNS[:-1])
    for trial in sorted(found.trials, key=lambda each: each.per_s):
        latencies = ("-" if each is None else f"{each * 1000:.1f}" for each in (trial.p50_s, trial.p99_s))
        rows.add_row(f"{trial.per_s:.1f}", f"{trial.answered_per_s:.1f}", *latencies, _word(trial))
    print_table(rows)
    if found.per_s is not None:
        click.echo(f"carries {found.per_s:.1f} requests/s; knee at {found.knee_per_s or 0:.1f}/s")


def _document(found: Capacity, wanted: Sequence[Objective]) -> dict[str, object]:
    return {"objectives": list(map(str, wanted)), **asdict(found)}


def _write(found: Capacity, wanted: Sequence[Objective], folder: Path) -> None:
    document = {"schema_version": 1, "kind": "capacity", **_document(found, wanted)}
    (folder / "capacity.json").write_text(json_text(document, indent=1) + "\n")


def _conclude(found: Capacity, wanted: Sequence[Objective], folder: Path) -> int:
    said, status = _said(found, wanted)
    say(said)
    say(f"trials in {folder}")
    return status


def _said(found: Capacity, wanted: Sequence[Objective]) -> tuple[str, int]:
    within = ", ".join(map(str, wanted))
    if found.per_s is None:
        return f"triptych: not even {found.beyond_per_s:g} requests/s are carried within {within}", failures.REFUSED
    if found.beyond_per_s is None:
        return (
            f"triptych: all that was tried is carried, {found.per_s:g}/s; name a higher --most",
            failures.INCONCLUSIVE,
        )
    if found.generator_bound:
        said = f"triptych: above {found.per_s:.1f}/s the generator itself was the bottleneck; the server may carry more"
        return said, failures.INCONCLUSIVE
    return (
        f"{found.per_s:.1f} requests/s are carried within {within}, {found.beyond_per_s:.1f}/s are not",
        failures.DONE,
    )
