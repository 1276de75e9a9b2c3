"""What was measured of the tracks, as plain data; what could not be measured is data, too, and says why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class NoData:
    """Nothing that could be judged, and why. It is never a pass."""

    why: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of how many are bad."""

    bad: float
    of: float

    @property
    def samples(self) -> float:
        """How many."""
        return self.of


@dataclass(frozen=True, slots=True)
class Classes:
    """How often each class."""

    counts: Mapping[str, float]

    @property
    def samples(self) -> float:
        """How many in all."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Buckets:
    """A histogram: upper ends, ascending, the last one infinite, and how many in each, not cumulated."""

    bounds: tuple[float, ...]
    counts: tuple[float, ...]

    @property
    def samples(self) -> float:
        """How many in all."""
        return sum(self.counts)


Measured: TypeAlias = Counts | Classes | Buckets | NoData


@dataclass(frozen=True, slots=True)
class Pair:
    """A metric of both tracks."""

    candidate: Measured
    stable: Measured


Evidence: TypeAlias = Mapping[str, Pair]
"""By the metric's name."""
