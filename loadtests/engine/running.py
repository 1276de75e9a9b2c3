"""Starts the generator processes of a run, sees to them, and says how it ended."""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from threading import Event

from loadtests.errors import LoadTestError, UnreachableError
from loadtests.pictures import MixDescription
from loadtests.profiles import Profile
from loadtests.records import GOOD, Ending, Outcome, Run, masked, read, write_ending, write_run
from loadtests.users.target import Target
from triptych import DeadlineExceededError, TriptychError, UnavailableError, health

from .processes import GeneratorProcesses, LostError, Said
from .soundness import bottleneck

_BEGIN_IN_S = 0.3  # when every process has been told


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run, and where to record it."""

    profile: Profile
    target: Target
    folder: Path
    mix: MixDescription = field(default_factory=MixDescription)
    seed: int = 0
    processes: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How a run stands.

    codes: of all samples until now
    p50_s: of the last second's good answers; None where there were none
    """

    at_s: float
    stage: str
    in_flight: int
    codes: Mapping[str, int]
    p50_s: float | None


@dataclass(slots=True)
class _Standing:
    """What the processes have told until now."""

    codes: Counter[str] = field(default_factory=Counter)
    in_flight: dict[int, int] = field(default_factory=dict)
    hopeless: bool = False

    def saw(self, process: int, said: Said, profile: Profile) -> Progress:
        at_s, in_flight = said["pulse"][0], said["pulse"][4]
        self.codes.update(said["codes"])
        self.in_flight[process] = in_flight
        return Progress(
            at_s=at_s,
            stage=profile.stage_at(at_s).name,
            in_flight=sum(self.in_flight.values()),
            codes=dict(self.codes),
            p50_s=said["p50_s"],
        )


def run(
    plan: Plan,
    *,
    report: Callable[[Progress], None] = lambda _: None,
    stop: Event | None = None,
    is_complete: Callable[[], bool] = lambda: False,
    statistics: Callable[[], Mapping[str, object]] = dict,
) -> Ending:
    """Run a profile to its end, and leave its record in `plan.folder`.

    report:      is told once a second and process
    stop:        set by whoever wants it to end early; what was seen until then is kept
    is_complete: whether a run that was stopped had seen what it was for
    statistics:  what the server says of itself, asked before and after

    Raises:
        UnreachableError: nobody answers; there is no record.
        PicturesError: there is nothing to send.
        TakenError: the folder holds the record of another run.
        LoadTestError: a generator process could not begin.
        OSError: the record cannot be written.
    """
    shares = plan.mix.made().shares
    check_reachable(plan.target)
    write_run(plan.folder, _described(plan, shares))
    before, began = statistics(), time.monotonic()
    standing, lost = _Standing(), None
    stop = stop or Event()
    try:
        lost = _generate(plan, standing, report, stop)
    finally:
        outcome, reason = _ended(plan, standing, lost=lost, stopped=stop.is_set() and not is_complete())
        ending = Ending(
            outcome=outcome,
            reason=reason,
            seconds=round(time.monotonic() - began, 3),
            server_before=before,
            server_after=statistics(),
        )
        write_ending(plan.folder, ending)
    return ending


def check_reachable(target: Target) -> None:
    """Ask once, whatever the answer.

    Raises:
        UnreachableError: there is none.
    """

    async def ask() -> None:
        async with target.async_client() as client:
            await client.classify(health.image())

    try:
        asyncio.run(ask())
    except (UnavailableError, DeadlineExceededError) as error:
        raise UnreachableError(f"the target cannot be reached: {error}") from error
    except TriptychError:
        pass  # it answers; the run shows what


def _described(plan: Plan, shares: Mapping[str, float]) -> Run:
    return Run(
        profile=plan.profile,
        urls=plan.target.urls,
        protocol=plan.target.protocol,
        seed=plan.seed,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        processes=plan.processes,
        pictures={name: round(share, 6) for name, share in shares.items()},
        version=version("triptych"),
        cores=os.cpu_count() or 0,
        command=masked(sys.argv),
    )


def _generate(plan: Plan, standing: _Standing, report: Callable[[Progress], None], stop: Event) -> str | None:
    """Run all processes to their end; which one was lost, in a sentence."""
    tasks = [
        {
            "profile": plan.profile.document(),
            "target": plan.target.document(),
            "mix": plan.mix.document(),
            "folder": str(plan.folder.resolve()),
            "seed": plan.seed,
            "process": process,
            "processes": plan.processes,
        }
        for process in range(plan.processes)
    ]
    with GeneratorProcesses(tasks) as processes:
        try:
            processes.begin(in_s=_BEGIN_IN_S, stop=stop)
            for process, said in processes.said(stop):
                if "pulse" in said:
                    report(standing.saw(process, said, plan.profile))
                standing.hopeless |= said.get("hopeless", False)
        except LostError as error:
            if not standing.codes:
                raise LoadTestError(str(error)) from error
            return str(error)
    return None


def _ended(plan: Plan, standing: _Standing, *, lost: str | None, stopped: bool) -> tuple[Outcome, str]:
    codes = standing.codes
    if lost:
        return Outcome.WORKER_LOST, f"{lost}; what was seen until then is in {plan.folder}"
    if codes and not any(codes[code] for code in GOOD):
        code, count = codes.most_common(1)[0]
        return Outcome.ONLY_ERRORS, f"not one of {codes.total()} requests was answered rightly; {count} were {code!r}"
    if stopped:
        return Outcome.STOPPED, f"it was stopped; what was seen until then is in {plan.folder}"
    stored = read(plan.folder)
    own_fault = bottleneck(plan.profile, stored.samples, stored.pulses)
    if own_fault:
        return Outcome.GENERATOR_BOUND, f"the generator itself was the bottleneck: {own_fault}"
    return Outcome.DONE, "all stages ran"
