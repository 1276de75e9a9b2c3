"""Whether the objectives were held. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.errors import ObjectiveError
from loadtests.records.summary import StageSummary
from loadtests.sample_statistics import Interval, interval_text, share_interval

from .objective import Objective, Unit, shown


@dataclass(frozen=True, slots=True)
class Verdict:
    """One objective in one stage.

    value:    None where there was nothing to take it from, which holds nothing
    requests: due requests that a share is of; 0 where the value is no share
    """

    objective: Objective
    stage: str
    value: float | None
    held: bool
    requests: int = 0

    @property
    def interval(self) -> Interval | None:
        """Return the interval of a share; None of other values. The objective is judged by the value itself."""
        if self.value is None or not self.requests:
            return None
        return share_interval(round(self.value * self.requests), self.requests)

    @property
    def found(self) -> str:
        """Return the value as reports show it, a share with its interval: "0% (0% to 7.13%)"."""
        text = shown(self.value, self.objective.figure.unit)
        if self.value is None or not self.requests:
            return text
        return f"{text} ({interval_text(self.value, self.requests)})"

    def __str__(self) -> str:
        unit = self.objective.figure.unit
        value = "no answers to judge by" if self.value is None else shown(self.value, unit)
        sign = "<" if self.objective.figure.is_upper else ">"
        bound = shown(self.objective.bound, unit)
        return f"{self.stage}: {self.objective.name} {value}, {'held' if self.held else 'not'} {sign} {bound}"


def judged(objectives: Sequence[Objective], summaries: Sequence[StageSummary]) -> list[Verdict]:
    """A verdict for each objective and stage that it is for; what says nothing of a closed loop is left out there.

    A stage that is named is judged even where it is not measured.

    Raises:
        ObjectiveError: an objective names a stage that there is not.
    """
    names = [summary.stage for summary in summaries]
    for each in objectives:
        if each.stage is not None and each.stage not in names:
            raise ObjectiveError(f"objective {each}: there is no stage {each.stage!r}; there are {', '.join(names)}")
    return [
        Verdict(each, summary.stage, value, each.holds(value), summary.offered if each.figure.unit is Unit.RATIO else 0)
        for each in objectives
        for summary in summaries
        if (summary.measured if each.stage is None else summary.stage == each.stage)
        and (summary.is_open or not each.figure.open_only)
        for value in [each.figure.of(summary)]
    ]
