"""Quantiles out of a histogram's buckets, interpolated; those of samples are `loadtests.sample_statistics`'s. Pure."""

import math
from collections.abc import Mapping


def quantile(buckets: Mapping[float, float], share: float) -> float | None:
    """The value that this share of what was counted is below, as PromQL's `histogram_quantile` has it.

    buckets: upper bound, `inf` among them -> how many were at most that

    Linear within a bucket; beyond the last finite bound that bound. None where nothing was counted.
    """
    bounds = sorted(buckets)
    total = buckets[bounds[-1]] if bounds else 0.0
    if total <= 0:
        return None
    wanted = share * total
    lower, below = 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= wanted:
            if math.isinf(bound):
                return lower
            within = buckets[bound] - below
            return lower + (bound - lower) * ((wanted - below) / within if within > 0 else 1.0)
        lower, below = bound, buckets[bound]
    return lower
