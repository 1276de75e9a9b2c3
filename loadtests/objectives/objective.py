"""The figures that objectives are about, as a table, and one objective."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from loadtests.records.summary import StageSummary
from loadtests.sample_statistics import percent


class Unit(StrEnum):
    """What a figure is counted in."""

    SECONDS = "s"
    RATIO = ""


class Figure(NamedTuple):
    """A figure of a stage.

    is_upper: an objective bounds it from above, else from below
    of:       the figure of a stage; None where there were no requests to take it from
    open_only: it says nothing of a closed loop, which offers only what is answered
    """

    what: str
    unit: Unit
    is_upper: bool
    of: Callable[[StageSummary], float | None]
    open_only: bool = False


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


FIGURES: Final[Mapping[str, Figure]] = {
    "p50": Figure("median latency", Unit.SECONDS, True, lambda stage: stage.p50_s),
    "p95": Figure("95th percentile of the latency", Unit.SECONDS, True, lambda stage: stage.p95_s),
    "p99": Figure("99th percentile of the latency", Unit.SECONDS, True, lambda stage: stage.p99_s),
    "errors": Figure(
        "due requests that were not answered as they should be, the dropped included",
        Unit.RATIO,
        True,
        lambda stage: _share(stage.offered - stage.good, stage.offered),
    ),
    "achieved": Figure(
        "due requests that were answered in time",
        Unit.RATIO,
        False,
        lambda stage: _share(stage.in_time, stage.offered),
        open_only=True,
    ),
}
"""Name -> what it is. Latencies are those of classified images, from the intended time of sending."""


@dataclass(frozen=True, slots=True)
class Objective:
    """A bound of a figure.

    bound: in seconds, or as a ratio
    stage: that it is for; None: every measured one
    """

    name: str
    bound: float
    stage: str | None = None

    @property
    def figure(self) -> Figure:
        """What it bounds."""
        return FIGURES[self.name]

    def holds(self, value: float | None) -> bool:
        """Whether a value is within the bound. None, a figure of nothing, never is."""
        if value is None:
            return False
        return value < self.bound if self.figure.is_upper else value > self.bound

    def __str__(self) -> str:
        stage = f"{self.stage}: " if self.stage else ""
        return f"{stage}{self.name}{'<' if self.figure.is_upper else '>'}{shown(self.bound, self.figure.unit)}"


def shown(value: float | None, unit: Unit) -> str:
    """A value of a figure, for people."""
    if value is None:
        return "-"
    return f"{value * 1000:.4g} ms" if unit is Unit.SECONDS else percent(value)
