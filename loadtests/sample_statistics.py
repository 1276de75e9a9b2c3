"""Statistics of samples, each defined once for the whole project: quantiles, and the interval of a share. Pure.

The quantile of a share q is Hyndman and Fan's definition 2 (Sample Quantiles in Statistical Packages, The American
Statistician 50, 1996), which NumPy calls `averaged_inverted_cdf`: the smallest value that at least q of the values do
not exceed; where exactly q of them do not exceed it, the mean of it and the next larger one. So a p99 is the latency of
a request that was measured, or lies between two neighbours, and the quantile of one half is the usual median.

Quantiles of histograms are another thing, since a histogram holds no values: they are interpolated within a bucket, as
PromQL's `histogram_quantile` does, and are as exact as the buckets are narrow.

The interval of a share is Wilson's score interval (Probable Inference, Journal of the American Statistical Association
22, 1927), and that of the difference of two shares Newcombe's (Statistics in Medicine 17, 873, 1998, method 10), which
is made of two of Wilson's. Both stay sensible where no image, or every image, is counted.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

CONFIDENCE: Final = 0.95
Z: Final = 1.959963984540054
"""Standard deviations of the normal distribution on either side that hold `CONFIDENCE`. Written out, since Locust puts
this folder before the standard library, whose `statistics` has the function."""

METHOD: Final = "Wilson"

ROUNDING: Final = 1e-6
"""A place among the values that is this close to a whole number is that number: 0.07 times 100 is 7.000000000000001."""


def quantiles(values: Iterable[float], shares: Sequence[float]) -> list[float]:
    """Return the quantile of each share (0 to 1) of the values, by the definition of this module.

    Raises:
        ValueError: there are no values, or a share is not within 0 and 1.
    """
    ordered = np.sort(np.fromiter(values, float))
    if not ordered.size:
        raise ValueError("a quantile needs at least one value")
    return [_quantile(ordered, share) for share in shares]


def quantile(values: Iterable[float], share: float) -> float:
    """Return one quantile, as `quantiles` does.

    Raises:
        ValueError: there are no values, or the share is not within 0 and 1.
    """
    return quantiles(values, (share,))[0]


def median(values: Iterable[float]) -> float:
    """Return the middle value, or the mean of the two middle ones.

    Raises:
        ValueError: there are no values.
    """
    return quantile(values, 0.5)


def _quantile(ordered: NDArray[np.float64], share: float) -> float:
    if not 0 <= share <= 1:
        raise ValueError(f"{share!r} is no share of the values; give 0 to 1")
    last = len(ordered) - 1
    place = share * len(ordered)
    whole = round(place)
    if abs(place - whole) > ROUNDING:
        return float(ordered[min(math.ceil(place) - 1, last)])
    return float(ordered[max(whole - 1, 0)] + ordered[min(whole, last)]) / 2


@dataclass(frozen=True, slots=True)
class Interval:
    """Both ends of a confidence interval."""

    low: float
    high: float


def share_interval(count: float, total: float) -> Interval:
    """Return Wilson's interval of the share `count / total`, at the level `CONFIDENCE`.

    Raises:
        ValueError: `total` is not above 0.
    """
    return wilson(count, total, z=Z)


def wilson(count: float, total: float, *, z: float) -> Interval:
    """Return Wilson's interval whose ends are `z` standard deviations of the normal distribution away.

    Raises:
        ValueError: `total` is not above 0.
    """
    if not total > 0:
        raise ValueError(f"a share of {total:g} has no interval")
    share = min(count / total, 1.0)
    middle = share + z * z / (2 * total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    low, high = max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)
    return Interval(0.0 if share == 0 else low, 1.0 if share == 1 else high)


def difference_interval(count: float, total: float, other_count: float, other_total: float, *, z: float) -> Interval:
    """Return Newcombe's interval of `count / total - other_count / other_total`.

    Raises:
        ValueError: a total is not above 0.
    """
    ours, theirs = wilson(count, total, z=z), wilson(other_count, other_total, z=z)
    share, other = min(count / total, 1.0), min(other_count / other_total, 1.0)
    below, above = math.hypot(share - ours.low, theirs.high - other), math.hypot(ours.high - share, other - theirs.low)
    return Interval(share - other - below, share - other + above)


def interval_text(share: float, total: int) -> str:
    """Return the interval of a share of so many: "82.4% to 100%"."""
    found = share_interval(round(share * total), total)
    return f"{found.low * 100:.3g}% to {percent(found.high, digits=3)}"


def interval_words(share: float, total: int) -> str:
    """Return the interval of a share of so many, with what it is: "95% interval 82.4% to 100% by Wilson"."""
    return f"{CONFIDENCE:.0%} interval {interval_text(share, total)} by {METHOD}"


def percent(share: float, *, digits: int = 4) -> str:
    """Return a share in percent with that many digits; what is less than all is never written as 100%."""
    text = f"{share * 100:.{digits}g}%"
    return text if share == 1 or text != "100%" else f"{share * 100:.10g}%"
