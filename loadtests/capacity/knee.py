"""Where latency begins to rise faster than throughput. Pure.

The knee is the rate with the greatest power, throughput divided by mean delay: Kleinrock, Power and deterministic
rules of thumb for probabilistic problems in computer communications, ICC 1979. Below it more load costs little time,
above it each percent of throughput costs more than a percent of time.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

from .trial import Trial


def knee(trials: Sequence[Trial]) -> float | None:
    """The rate with the greatest power of those tried; None where nothing was answered."""
    means: dict[float, list[float]] = defaultdict(list)
    for trial in trials:
        if not math.isnan(trial.mean_s):
            means[trial.per_s].append(trial.answered_per_s / trial.mean_s)
    return max(means, key=lambda per_s: fmean(means[per_s]), default=None)
