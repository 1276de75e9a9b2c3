"""Counters of Prometheus at a moment, and what they grew by. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

Labels: TypeAlias = frozenset[tuple[str, str]]
Series: TypeAlias = tuple[str, Labels]
"""A metric's name and its labels."""

_TARGET: Final = ("namespace", "pod", "instance")


@dataclass(frozen=True, slots=True)
class Counters:
    """What each counter had reached, by a clock in seconds."""

    at_s: float
    values: Mapping[Series, float]

    def targets(self) -> set[tuple[str, ...]]:
        """Who was asked, and answered."""
        return {_target(labels) for _, labels in self.values}


@dataclass(frozen=True, slots=True)
class Growth:
    """What counters grew by between two moments."""

    seconds: float
    by: Mapping[Series, float]
    targets: int

    def of(self, name: str) -> Iterator[tuple[dict[str, str], float]]:
        """The labels and the growth of each series of a metric."""
        return ((dict(labels), value) for (found, labels), value in self.by.items() if found == name)


def growth(before: Counters, after: Counters) -> Growth:
    """From the one to the other.

    A counter that fell has begun anew, and grew by what it has. One that was not there began at zero, if its target was
    there: of a target that is new nobody knows when what it counted was.
    """
    known = before.targets()
    by = {
        series: value - seen if value >= (seen := before.values.get(series, 0.0)) else value
        for series, value in after.values.items()
        if _target(series[1]) in known
    }
    return Growth(after.at_s - before.at_s, by, len(after.targets()))


def _target(labels: Labels) -> tuple[str, ...]:
    found = dict(labels)
    return tuple(found.get(name, "") for name in _TARGET)
