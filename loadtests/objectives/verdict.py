"""Whether the objectives were held. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.errors import ObjectiveError
from loadtests.records.summary import StageSummary

from .objective import Objective, shown


@dataclass(frozen=True, slots=True)
class Verdict:
    """One objective in one stage; `value` is None where there was nothing to take it from, which holds nothing."""

    objective: Objective
    stage: str
    value: float | None
    held: bool

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
        Verdict(each, summary.stage, value, each.holds(value))
        for each in objectives
        for summary in summaries
        if (summary.measured if each.stage is None else summary.stage == each.stage)
        and (summary.is_open or not each.figure.open_only)
        for value in [each.figure.of(summary)]
    ]
