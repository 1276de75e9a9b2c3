"""`triptych tune`."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from loadtests.capacity import DEFAULT_P99, Limits, Trials, carried, search
from loadtests.engine import Plan
from loadtests.errors import StoppedError
from loadtests.objectives import Objective
from loadtests.pictures import MIXES, MixDescription
from loadtests.profiles import profile
from loadtests.tuning import Candidate, Effort, Screened, Tuning, variants
from loadtests.tuning import tune as contest
from loadtests.users.target import Target
from triptych_ops import runtime
from triptych_ops.release import Release, Store

from .loopback import loopback_server
from .options import json_option
from .output import Steps, json_text, print_json, print_table, say, table
from .stopping import stop_requested
from .store_option import store_option

_COLUMNS = ("settings", "requests/s", "of the defaults")
_SETTINGS_FILE = "triptych.toml"
_TIMEOUT_S: Final = 10.0


@click.command("tune")
@click.argument("ref", metavar="[RELEASE]", required=False)
@store_option
@click.option(
    "--p99", default=DEFAULT_P99, show_default=True, metavar="TIME", help="That what is carried stays within."
)
@click.option(
    "--pictures",
    default="typical",
    show_default=True,
    metavar="MIX|FOLDER",
    help=f"What is sent: {', '.join(MIXES)}, or a folder of your own.",
)
@click.option(
    "--seconds", type=click.FloatRange(2, 600), default=5.0, show_default=True, help="That a rate is measured."
)
@click.option("--rounds", type=click.IntRange(1, 20), default=3, show_default=True, help="Turns of the screening.")
@click.option(
    "--pairs",
    type=click.IntRange(1, 20),
    default=3,
    show_default=True,
    help="How often the best is held against the defaults.",
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 1),
    default=Effort().margin,
    show_default=True,
    help="Share that settings have to carry more to be chosen.",
)
@click.option("--setting", "only", multiple=True, metavar="NAME", help="Try this one alone, or these.  [default: all]")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for what is found.  [default: tune-TIME, here]")
@json_option
def tune(
    ref: str | None,
    store: Store,
    p99: str,
    pictures: str,
    seconds: float,
    rounds: int,
    pairs: int,
    margin: float,
    only: tuple[str, ...],
    out: Path | None,
    as_json: bool,
) -> None:
    """Find the settings of `triptych serve` that carry most on this machine, and whether that is more than chance.

    Instances, threads, batches and the queue's delay are varied one by one, then together; each in turns with the
    defaults, since a machine's speed drifts. The best is held against the defaults by what both carry within --p99.
    Takes some ten minutes on two cores; nothing else should run meanwhile.

    What is better by more than --margin, and than the defaults differ from themselves, is written to triptych.toml in
    the folder, for `triptych serve`; else nothing is, and that is said. tune.json has all figures.
    """
    release = store.release(ref)
    defaults = runtime.Sizing.of_machine()
    tried = _tried(defaults, runtime.usable_cores(), only)
    wanted = carried(p99=p99)
    mix = MixDescription.named(pictures)
    mix.made()
    folder = out or Path(f"tune-{datetime.now(UTC):%Y%m%d-%H%M%S}")
    with stop_requested() as stop, Steps() as step:
        step(f"release {release.number}: {len(tried) - 1} settings against the defaults, {defaults}")
        bench = _Bench(release, defaults, wanted, mix, folder=folder, seconds=seconds, stop=stop, say=step)
        effort = Effort(rounds=rounds, pairs=pairs, margin=margin)
        found = contest(tried, throughput=bench.throughput, capacity=bench.capacity, effort=effort)
    (folder / "tune.json").write_text(json_text(_document(found, release.number), indent=1) + "\n")
    if found.is_better and found.best:
        (folder / _SETTINGS_FILE).write_text(_settings_text(found, found.best))
    if as_json:
        print_json({**_document(found, release.number), "folder": str(folder)})
    else:
        _print(found.screening)
    say(_said(found, folder))


def _tried(defaults: runtime.Sizing, cores: int, only: Sequence[str]) -> list[Candidate]:
    """What is tried, by the names of the options of `serve`.

    Raises:
        click.UsageError: there is no such setting.
    """
    around = {1, max(1, cores // 2), cores, 2 * cores}
    values: dict[str, Sequence[int]] = {
        "preprocess-instances": sorted(around - {2 * cores}),
        "classifier-instances": sorted(around),
        "threads": sorted(around - {2 * cores}),
        "batch": (1, 2, 4, 8),
        "queue-delay-us": (500, 2000),
    }
    if unknown := set(only) - set(values):
        raise click.UsageError(f"no setting is called {min(unknown)!r}; there are {', '.join(values)}")
    chosen = {name: tried for name, tried in values.items() if not only or name in only}
    fields = asdict(defaults)
    return variants({name: fields[_field(name)] for name in chosen}, chosen)


def _field(name: str) -> str:
    return name.replace("-", "_")


@dataclass(frozen=True, slots=True)
class _Bench:
    """Serves a release with some settings, and loads it."""

    release: Release
    defaults: runtime.Sizing
    objectives: Sequence[Objective]
    mix: MixDescription
    folder: Path
    seconds: float
    stop: threading.Event
    say: Callable[[str], None]

    def throughput(self, candidate: Candidate) -> float:
        """Of a closed loop."""
        with self._trials(candidate) as trials:
            per_s = trials.guess()
        self.say(f"{candidate}: {per_s:.0f} requests/s")
        return per_s

    def capacity(self, candidate: Candidate, begin_per_s: float) -> float:
        """Within the objectives; 0 where nothing is."""
        with self._trials(candidate) as trials:
            found = search(trials.attempt, first_per_s=0.8 * begin_per_s, limits=Limits())
        self.say(f"{candidate}: carries {found.per_s or 0:.1f} requests/s")
        return found.per_s or 0.0

    @contextmanager
    def _trials(self, candidate: Candidate) -> Iterator[Trials]:
        if self.stop.is_set():
            raise StoppedError(f"the tuning was stopped; its measurements until then are in {self.folder}")
        given = {_field(name): value for name, value in candidate.settings.items()}
        with loopback_server(self.release, sizing=self.defaults.changed(**given)) as server:
            server.wait_ready(timeout_s=runtime.READY_TIMEOUT_S, cancelled=self.stop.is_set)
            target = Target.at([server.ports.grpc_url], rest=False, timeout_s=_TIMEOUT_S)
            number = sum(1 for _ in self.folder.glob("measured-*"))
            plan = Plan(
                profile=profile("server"), target=target, folder=self.folder / f"measured-{number:03d}", mix=self.mix
            )
            yield Trials(plan, self.objectives, seconds=self.seconds, stop=self.stop)


def _print(screening: Sequence[Screened]) -> None:
    rows = table(*_COLUMNS, right=_COLUMNS[1:])
    for each in screening:
        rows.add_row(str(each.candidate), " ".join(f"{per_s:.0f}" for per_s in each.per_s), f"{each.ratio:.2f} x")
    print_table(rows)


def _document(found: Tuning, release: int) -> Mapping[str, object]:
    return {
        "schema_version": 1,
        "kind": "tuning",
        "release": release,
        "is_better": found.is_better,
        "best": dict(found.best.settings) if found.best else None,
        "ratio": found.ratio,
        "margin": found.margin,
        "pairs": [{"defaults_per_s": before, "best_per_s": after} for before, after in found.pairs],
        "screening": [
            {"settings": dict(each.candidate.settings), "per_s": list(each.per_s), "ratio": each.ratio}
            for each in found.screening
        ],
    }


def _settings_text(found: Tuning, best: Candidate) -> str:
    lines = [f"{name} = {value}" for name, value in best.settings.items()]
    return "\n".join([f"# By triptych tune: {_evidence(found)}", "[serve]", *lines, ""])


def _evidence(found: Tuning) -> str:
    pairs = ", ".join(f"{after:.0f} against {before:.0f}" for before, after in found.pairs)
    return f"carries {found.ratio - 1:+.1%} of the defaults within the objectives ({pairs} requests/s)"


def _said(found: Tuning, folder: Path) -> str:
    if found.best is None:
        return f"nothing was faster than the defaults; figures in {folder / 'tune.json'}"
    if not found.is_better:
        return (
            f"nothing carries more than the defaults by {found.margin:.0%}: the best, {found.best}, {_evidence(found)}"
        )
    return f"{found.best} {_evidence(found)}, margin {found.margin:.0%}; settings in {folder / _SETTINGS_FILE}"
