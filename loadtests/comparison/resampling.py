"""How much a figure changed between two runs, and how much of that may be chance. Pure.

The test is the block bootstrap (Carlstein, The Use of Subseries Values for Estimating the Variance of a General
Statistic from a Stationary Sequence, Annals of Statistics 14, 1986; for quantiles: Sun and Lahiri, Bootstrapping the
sample quantile of a weakly dependent sequence, Sankhya 68, 2006). Latencies that follow each other are alike, since one
slow answer makes those behind it wait. A test that takes each for itself, as Mann and Whitney's or Welch's, finds
differences between two runs of the same server. So stretches of time are drawn, each with all of its requests.

A bootstrap of few blocks is too sure of itself: its intervals are widened as Student's t is wider than the normal
distribution (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 12). Of several figures each is
judged at the level divided by their number (Bonferroni), so that of runs that do not differ one in twenty is said to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

Block = NDArray[np.float64]
"""What was seen in a stretch of time, a number a request."""

LEVEL: Final = 0.05
BLOCKS: Final = 10
"""Stretches that a stage is cut into; fewer vary too little, more are shorter than what makes neighbours alike."""

LEAST_BLOCKS: Final = 6
_DRAWS: Final = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """What is too little to matter, as a share of the first one's figure."""

    ratio: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The second one's figure less the first one's, and where it lies but for chance."""

    first: float
    second: float
    least: float
    most: float

    @property
    def difference(self) -> float:
        """Of the figures as they were seen."""
        return self.second - self.first

    @property
    def is_significant(self) -> bool:
        """Whether no change at all lies outside."""
        return self.least > 0 or self.most < 0


class Figure(Protocol):
    """A figure of the values of all requests together."""

    def of(self, blocks: Sequence[Block], times: NDArray[np.int64]) -> NDArray[np.float64]:
        """For each row of `times` the figure when each block is there so many times."""


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean."""

    def of(self, blocks: Sequence[Block], times: NDArray[np.int64]) -> NDArray[np.float64]:
        """As of `Figure`."""
        sums, counts = (np.array([one(block) for block in blocks], float) for one in (np.sum, np.size))
        found: NDArray[np.float64] = (times @ sums) / (times @ counts)
        return found


@dataclass(frozen=True, slots=True)
class Quantile:
    """The least value that this share of all is not above."""

    share: float

    def of(self, blocks: Sequence[Block], times: NDArray[np.int64]) -> NDArray[np.float64]:
        """As of `Figure`."""
        values = np.sort(np.concatenate(blocks))
        not_above = np.array([np.searchsorted(np.sort(block), values, side="right") for block in blocks])
        wanted = self.share * (times @ not_above[:, -1])
        low, high = np.zeros(len(times), np.intp), np.full(len(times), len(values) - 1)
        while np.any(low < high):  # each row's place among the values, by halves
            middle = (low + high) // 2
            reached = np.einsum("rb,br->r", times, not_above[:, middle]) >= wanted
            low, high = np.where(reached, low, middle + 1), np.where(reached, middle, high)
        return values[low]


def change(
    first: Sequence[Block], second: Sequence[Block], figure: Figure, *, figures: int = 1, seed: int = 0
) -> Change:
    """The change of a figure of two runs, given as blocks that follow each other; `figures` are judged together."""
    dice = np.random.default_rng(seed)
    of_first, of_second = _seen(first, figure), _seen(second, figure)
    difference = of_second - of_first
    tail = LEVEL / figures / 2
    wider = _wider(tail, blocks=min(len(first), len(second)))
    least, most = np.quantile(_drawn(second, figure, dice) - _drawn(first, figure, dice), (tail, 1 - tail))
    return Change(
        first=of_first,
        second=of_second,
        least=difference + wider * (float(least) - difference),
        most=difference + wider * (float(most) - difference),
    )


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
