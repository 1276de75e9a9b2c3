"""How much a figure changed between two runs, and how much of that may be chance. Pure.

The test is the block bootstrap (Carlstein, The Use of Subseries Values for Estimating the Variance of a General
Statistic from a Stationary Sequence, Annals of Statistics 14, 1986; for quantiles: Sun and Lahiri, Bootstrapping the
sample quantile of a weakly dependent sequence, Sankhya 68, 2006). Latencies that follow each other are alike, since one
slow answer makes those behind it wait. A test that takes each for itself, as Mann and Whitney's or Welch's, finds
differences between two runs of the same server. So stretches of time are drawn, each with all of its requests.

A latency is compared as a ratio, and its interval is made on the ratio's logarithm, since latencies are above zero: an
interval of differences would reach below it. A share is compared as a difference, and its interval is never narrower
than Newcombe's, since a bootstrap of runs without one failure says that there never will be one.

A bootstrap of few blocks is too sure of itself: its intervals are widened as Student's t is wider than the normal
distribution (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 12). Of several figures each is
judged at the level divided by their number (Bonferroni), so that all their intervals together hold at 95 %: of runs
that do not differ one in twenty is said to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist
from typing import ClassVar, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from loadtests.sample_statistics import ROUNDING, difference_interval, quantiles

Block = NDArray[np.float64]
"""What was seen in a stretch of time, a number a request."""

LEVEL: Final = 0.05
POWER: Final = 0.8
"""The probability with which `Change.detectable` would have been found."""

BLOCKS: Final = 10
"""Stretches that a stage is cut into; fewer vary too little, more are shorter than what makes neighbours alike."""

LEAST_BLOCKS: Final = 6
_DRAWS: Final = 4000
_TINY: Final = 1e-12
"""What stands for a latency of zero in a ratio."""


class Scale(StrEnum):
    """How two figures are compared."""

    RATIO = "ratio"  # second / first, 1 where nothing changed
    DIFFERENCE = "difference"  # second - first, 0 where nothing changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """The largest change that does not matter, as a share of a latency: 0.05 is 5 % slower, or as much faster."""

    ratio: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How the second run's figure compares with the first one's.

    first, second: the figures of all requests of each run
    scale:      whether `change`, `low`, `high` and `detectable` are a ratio or a difference
    change:     second / first, or second - first
    low, high:  its interval
    detectable: the smallest increase that two such runs show to be one with the probability `POWER`; as a ratio above
                1, or as a difference above 0. A decrease is as detectable: 1 / `detectable`, or -`detectable`.
    """

    first: float
    second: float
    scale: Scale
    change: float
    low: float
    high: float
    detectable: float

    @property
    def none(self) -> float:
        """Return the value that means "nothing changed"."""
        return 1.0 if self.scale is Scale.RATIO else 0.0

    @property
    def is_significant(self) -> bool:
        """Return whether the interval leaves out "nothing changed"."""
        return self.low > self.none or self.high < self.none

    def is_small(self, margin: float) -> bool:
        """Return whether the change as it was seen is within the margin: a share of the ratio, or a difference."""
        least, most = self._bounds(margin)
        return least <= self.change <= most

    def is_within(self, margin: float) -> bool:
        """Return whether the whole interval is within the margin."""
        least, most = self._bounds(margin)
        return least <= self.low and self.high <= most

    def _bounds(self, margin: float) -> tuple[float, float]:
        return (1 / (1 + margin), 1 + margin) if self.scale is Scale.RATIO else (-margin, margin)


class Figure(Protocol):
    """A figure of the values of all requests together."""

    scale: ClassVar[Scale]

    def of(self, blocks: Sequence[Block], times: NDArray[np.int64]) -> NDArray[np.float64]:
        """For each row of `times` the figure when each block is there so many times."""


@dataclass(frozen=True, slots=True)
class Mean:
    """The share of the requests whose value is 1; other values are 0."""

    scale: ClassVar[Scale] = Scale.DIFFERENCE

    def of(self, blocks: Sequence[Block], times: NDArray[np.int64]) -> NDArray[np.float64]:
        """As of `Figure`."""
        sums, counts = (np.array([one(block) for block in blocks], float) for one in (np.sum, np.size))
        found: NDArray[np.float64] = (times @ sums) / (times @ counts)
        return found


@dataclass(frozen=True, slots=True)
class Quantile:
    """The quantile of a share, as `loadtests.sample_statistics` defines it."""

    scale: ClassVar[Scale] = Scale.RATIO
    share: float

    def of(self, blocks: Sequence[Block], times: NDArray[np.int64]) -> NDArray[np.float64]:
        """As of `Figure`."""
        values = np.sort(np.concatenate(blocks))
        not_above = np.array([np.searchsorted(np.sort(block), values, side="right") for block in blocks])
        place = self.share * (times @ not_above[:, -1])
        whole = np.round(place)
        is_whole = np.abs(place - whole) <= ROUNDING
        lower = _first_with(times, not_above, np.where(is_whole, whole, np.ceil(place)))
        upper = np.where(is_whole, _first_with(times, not_above, whole + 1), lower)
        found: NDArray[np.float64] = (values[lower] + values[upper]) / 2
        return found


def _first_with(
    times: NDArray[np.int64], not_above: NDArray[np.int64], wanted: NDArray[np.float64]
) -> NDArray[np.intp]:
    """For each row the place of the first value that so many values do not exceed, found by halves; else the last."""
    low, high = np.zeros(len(times), np.intp), np.full(len(times), not_above.shape[1] - 1)
    while np.any(low < high):
        middle = (low + high) // 2
        reached = np.einsum("rb,br->r", times, not_above[:, middle]) >= wanted
        low, high = np.where(reached, low, middle + 1), np.where(reached, middle, high)
    return low


def change(
    first: Sequence[Block], second: Sequence[Block], figure: Figure, *, figures: int = 1, seed: int = 0
) -> Change:
    """The change of a figure of two runs, given as blocks that follow each other; `figures` are judged together."""
    dice = np.random.default_rng(seed)
    of_first, of_second = _seen(first, figure), _seen(second, figure)
    drawn_second, drawn_first = _drawn(second, figure, dice), _drawn(first, figure, dice)
    tail = LEVEL / figures / 2
    wider = _wider(tail, blocks=min(len(first), len(second)))
    is_ratio = figure.scale is Scale.RATIO
    if is_ratio:
        seen = float(_log(of_second) - _log(of_first))
        drawn = _log(drawn_second) - _log(drawn_first)
    else:
        seen = of_second - of_first
        drawn = drawn_second - drawn_first
    low, high = (seen + wider * (end - seen) for end in quantiles(drawn, (tail, 1 - tail)))
    normal = NormalDist()
    z = normal.inv_cdf(1 - tail)
    if not is_ratio:
        counted = [(float(sum(block.sum() for block in run)), float(sum(map(len, run)))) for run in (second, first)]
        least = difference_interval(*counted[0], *counted[1], z=z)
        low, high = min(low, least.low), max(high, least.high)
    detectable = (high - low) / 2 * (1 + normal.inv_cdf(POWER) / z)
    scaled = np.array([seen, low, high, detectable])
    change_seen, low, high, detectable = (np.exp(scaled) if is_ratio else scaled).tolist()
    return Change(
        first=of_first,
        second=of_second,
        scale=figure.scale,
        change=change_seen,
        low=low,
        high=high,
        detectable=detectable,
    )


def _log(values: float | NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.log(np.maximum(values, _TINY))
    return found


def _seen(blocks: Sequence[Block], figure: Figure) -> float:
    return float(figure.of(blocks, np.ones((1, len(blocks)), np.int64))[0])


def _drawn(blocks: Sequence[Block], figure: Figure, dice: np.random.Generator) -> NDArray[np.float64]:
    """The figure of as many blocks, drawn with putting back, again and again."""
    count = len(blocks)
    return figure.of(blocks, dice.multinomial(count, [1 / count] * count, size=_DRAWS))


def _wider(tail: float, *, blocks: int) -> float:
    """How much wider an interval has to be: as t is than the normal, and as a variance of few is too small.

    Student's quantile by Fisher's expansion, Abramowitz and Stegun 26.7.5.
    """
    freedom = blocks - 1
    normal = NormalDist().inv_cdf(1 - tail)
    student = (
        normal
        + (normal**3 + normal) / (4 * freedom)
        + (5 * normal**5 + 16 * normal**3 + 3 * normal) / (96 * freedom**2)
    )
    return float(student / normal * (blocks / freedom) ** 0.5)


def blocks_of(times_s: NDArray[np.float64], values: Block, *, begins_s: float, seconds: float) -> list[Block]:
    """Values cut into stretches by their times; empty ones are left out."""
    index = np.clip(((times_s - begins_s) / seconds * BLOCKS).astype(int), 0, BLOCKS - 1)
    cut = (values[index == each] for each in range(BLOCKS))
    return [block for block in cut if len(block)]
