"""Tries a rate against a server, and records it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from threading import Event
from typing import Final

from loadtests.engine import Plan, run
from loadtests.errors import StoppedError
from loadtests.objectives import Objective, Verdict
from loadtests.profiles import Arrivals, Loop, Profile, Stage
from loadtests.records import Outcome
from loadtests.report import Finding, found_in

from .trial import Trial

_GUESS_USERS: Final = 16
_GUESS_S: Final = 3.0
_WARM_UP_S: Final = 1.0
_STAGE: Final = "measured"
_FAR: Final = 10.0


class Trials:
    """Trials against the target of a plan, each recorded in a folder of its own below the plan's.

    seconds: that a rate is measured, after a second of warming up
    report:  is told what was found
    """

    def __init__(
        self,
        plan: Plan,
        objectives: Sequence[Objective],
        *,
        seconds: float,
        stop: Event,
        report: Callable[[Trial], None] = lambda _: None,
        statistics: Callable[[], Mapping[str, object]] = dict,
    ) -> None:
        self._plan = plan
        self._objectives = objectives
        self._seconds = seconds
        self._stop = stop
        self._report = report
        self._statistics = statistics
        self._count = 0

    @property
    def last_folder(self) -> Path:
        """The record of the latest one."""
        return self._plan.folder / f"trial-{self._count:02d}"

    def guess(self) -> float:
        """Requests a second that a closed loop gets answered: near what can be carried at all.

        Raises:
            LoadTestError: the server cannot be asked.
        """
        finding = self._run(Loop(_GUESS_USERS), seconds=_GUESS_S, name="guess")
        return max(1.0, finding.stages[-1].per_s)

    def attempt(self, per_s: float) -> Trial:
        """Offer this rate.

        Raises:
            LoadTestError: the server cannot be asked, or the search is to stop.
        """
        finding = self._run(Arrivals(per_s), seconds=self._seconds, name=f"{per_s:.1f} a second")
        trial = judged_trial(per_s, finding)
        self._report(trial)
        return trial

    def _run(self, load: Arrivals | Loop, *, seconds: float, name: str) -> Finding:
        self._count += 1
        stages = (
            Stage(name="warm-up", seconds=_WARM_UP_S, load=load, measured=False),
            Stage(name=_STAGE, seconds=seconds, load=load),
        )
        profile = Profile(name=name, summary="a trial", stages=stages, objectives=tuple(map(str, self._objectives)))
        plan = replace(self._plan, profile=profile, folder=self.last_folder, seed=self._plan.seed + self._count)
        run(plan, stop=self._stop, statistics=self._statistics)
        if self._stop.is_set():
            raise StoppedError("the search was stopped; its trials until then are in " + str(self._plan.folder))
        return found_in(plan.folder)


def judged_trial(per_s: float, finding: Finding) -> Trial:
    """What the record of a trial says."""
    ending = finding.stored.ending
    stage = finding.stages[-1]
    latencies_s = [
        sample.latency_s for sample in finding.stored.samples if sample.stage == stage.stage and sample.is_good
    ]
    broken = [verdict for verdict in finding.verdicts if not verdict.held]
    return Trial(
        per_s=per_s,
        held=not broken,
        margin=max((_margin(verdict) for verdict in finding.verdicts), default=_FAR),
        answered_per_s=stage.per_s,
        mean_s=fmean(latencies_s) if latencies_s else math.nan,
        p50_s=stage.p50_s,
        p99_s=stage.p99_s,
        generator_bound=ending is not None and ending.outcome is Outcome.GENERATOR_BOUND,
        why="; ".join(map(str, broken)),
    )


def _margin(verdict: Verdict) -> float:
    """How much of its bound a figure takes; of one that is bounded from below, how much of what it may lack."""
    value, bound = verdict.value, verdict.objective.bound
    if value is None:
        return _FAR
    if not verdict.objective.figure.is_upper:
        value, bound = 1 - value, 1 - bound
    return value / bound if bound > 0 else (0.0 if value == 0 else _FAR)
