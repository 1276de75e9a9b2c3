"""How far apart two samples are, with an interval that holds at a given level. Pure, in closed form.

Each function gives a `Span`: the difference is in it but with probability `level` at each end.

    ratio     difference of two proportions, by Newcombe's hybrid of Wilson's scores
              (R. G. Newcombe, Statistics in Medicine 17, 873, 1998, method 10)
    slower    the same, of the shares above a quantile of the stable track and above `factor` times that quantile
    classes   total variation distance less what equal multinomials of these sizes show on average; its deviation is
              bounded by McDiarmid's inequality, as one answer more moves the distance by 1/n at most
    shape     Kolmogorov and Smirnov's distance over buckets; two samples by Wei and Dudley (Statistics & Probability
              Letters 82, 636, 2012), with the constant e that holds for all sizes
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from loadtests.sample_statistics import difference_interval


@dataclass(frozen=True, slots=True)
class Span:
    """A difference and both ends of its interval. Positive where the candidate has more."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Moved:
    """A class and its shares of the answers, 0 to 1."""

    name: str
    stable: float
    candidate: float

    def __str__(self) -> str:
        return f"{self.name} {self.stable:.3g} to {self.candidate:.3g}"


def spent(total: float, *, look: int) -> float:
    """The part of an error probability that the look of this number, from 1, may spend; all looks spend `total`.

    1/2 + 1/6 + 1/12 + … = 1, so that by Boole's inequality as many looks as one likes refuse no more often.
    """
    return total / (look * (look + 1))


def ratio(bad: float, of: float, stable_bad: float, stable_of: float, *, level: float) -> Span:
    """Difference of the proportions. Both samples have at least one."""
    found = difference_interval(bad, of, stable_bad, stable_of, z=NormalDist().inv_cdf(1 - level))
    return Span(min(bad / of, 1.0) - min(stable_bad / stable_of, 1.0), found.low, found.high)


def slower(
    bounds: Sequence[float],
    counts: Sequence[float],
    stable: Sequence[float],
    *,
    quantile: float,
    factor: float,
    level: float,
) -> Span | None:
    """Share of the candidate above `factor` times the stable track's quantile, less the stable track's above it.

    None where the quantile, or that many times it, lies beyond the last bound.

    bounds: upper ends of the buckets, ascending, the last one infinite; counts, stable: in each, not cumulated
    """
    mark = _quantile(bounds, stable, quantile)
    if not math.isfinite(mark):
        return None
    limit = mark * factor
    if limit >= bounds[-2]:
        return None
    return ratio(_above(bounds, counts, limit), sum(counts), _above(bounds, stable, mark), sum(stable), level=level)


def resolves(bounds: Sequence[float], stable: Sequence[float], *, quantile: float, factor: float) -> bool:
    """Whether no two values that are `factor` apart share the bucket in which the stable track's quantile lies."""
    mark = _quantile(bounds, stable, quantile)
    upper = next((index for index, bound in enumerate(bounds) if mark <= bound), len(bounds) - 1)
    return upper > 0 and bounds[upper] <= bounds[upper - 1] * factor


def classes(counts: Mapping[str, float], stable: Mapping[str, float], *, level: float) -> Span:
    """Total variation distance between two counts of classes, 0 to 1, less its mean under equal multinomials.

    Blind to labels exchanged between classes that are equally frequent: known answers see that, not this.
    """
    names = sorted({*counts, *stable})
    ours = np.array([counts.get(name, 0.0) for name in names])
    theirs = np.array([stable.get(name, 0.0) for name in names])
    size, stable_size = ours.sum(), theirs.sum()
    rates = 1 / size + 1 / stable_size
    pooled = (ours + theirs) / (size + stable_size)
    # E|X| of a normal difference; of rare classes at most E X + E Y.
    expected = np.minimum(np.sqrt(pooled * (1 - pooled) * rates * 2 / math.pi), 2 * pooled).sum() / 2
    distance = np.abs(ours / size - theirs / stable_size).sum() / 2
    noise = math.sqrt(math.log(1 / level) * rates / 2)
    estimate = float(distance - expected)
    return Span(estimate, estimate - noise, estimate + noise)


def moved_most(counts: Mapping[str, float], stable: Mapping[str, float], *, most: int = 3) -> tuple[Moved, ...]:
    """Return the classes whose shares differ most, the largest difference first, and none without one.

    Both samples have at least one.
    """
    size, stable_size = sum(counts.values()), sum(stable.values())
    shares = (
        Moved(name, stable.get(name, 0.0) / stable_size, counts.get(name, 0.0) / size)
        for name in sorted({*counts, *stable})
    )
    differing = [each for each in shares if each.candidate != each.stable]
    return tuple(sorted(differing, key=lambda each: -abs(each.candidate - each.stable))[:most])


def furthest(bounds: Sequence[float], counts: Sequence[float], stable: Sequence[float]) -> Moved:
    """Return where the cumulated shares of two histograms are furthest apart, named by the bucket's upper end."""
    ours, theirs = (np.cumsum(each) / np.sum(each) for each in (counts, stable))
    place = int(np.abs(ours - theirs).argmax())
    return Moved(f"{bounds[place]:g}", float(theirs[place]), float(ours[place]))


def shape(counts: Sequence[float], stable: Sequence[float], *, level: float) -> Span:
    """Largest difference between the cumulated shares of two histograms with the same buckets, 0 to 1."""
    ours, theirs = (np.cumsum(each) / np.sum(each) for each in (counts, stable))
    distance = float(np.abs(ours - theirs).max())
    noise = math.sqrt(math.log(math.e / level) * (1 / sum(counts) + 1 / sum(stable)) / 2)
    return Span(distance, distance - noise, distance + noise)


def _quantile(bounds: Sequence[float], counts: Sequence[float], quantile: float) -> float:
    """By linear interpolation, as Prometheus does, since a histogram holds no values; infinite in the last bucket."""
    wanted, seen, lower = quantile * sum(counts), 0.0, 0.0
    for bound, count in zip(bounds, counts, strict=True):
        if count and seen + count >= wanted:
            return bound if math.isinf(bound) else lower + (bound - lower) * (wanted - seen) / count
        seen, lower = seen + count, bound
    return math.inf


def _above(bounds: Sequence[float], counts: Sequence[float], mark: float) -> float:
    above, lower = 0.0, 0.0
    for bound, count in zip(bounds, counts, strict=True):
        if lower >= mark:
            above += count
        elif bound > mark:
            above += count if math.isinf(bound) else count * (bound - mark) / (bound - lower)
        lower = bound
    return above
