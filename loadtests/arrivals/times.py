"""When the requests of an open loop should be sent. Pure: the same seed gives the same times.

A rate r(t) makes arrivals at the times where its integral R(t) = r0 t + (r1 - r0) t^2 / 2T reaches

    the partial sums of exponential variates of mean 1       poisson
    1/2, 3/2, 5/2, …                                         constant

which for a steady rate are Poisson's process and a metronome, and otherwise their time-changed form (Çinlar,
Introduction to Stochastic Processes, 1975, section 4.7).
"""

import numpy as np
from numpy.typing import NDArray

from loadtests.profiles.profile import Arrivals

_MARGIN = 6.0  # standard deviations of a Poisson count; more arrivals than that come once in 10^9 runs


def intended_times_s(
    arrivals: Arrivals, *, seconds: float, seed: int | tuple[int, ...], process: int = 0, processes: int = 1
) -> NDArray[np.float64]:
    """Seconds from the stage's beginning, ascending, all below `seconds`.

    Of several generator processes each takes every `processes`-th, so that together they send what one would.
    """
    end_per_s = arrivals.per_s if arrivals.to_per_s is None else arrivals.to_per_s
    expected = (arrivals.per_s + end_per_s) / 2 * seconds
    most = int(expected + _MARGIN * (1 + expected**0.5)) + 1
    if arrivals.spacing == "constant":
        integrals = np.arange(most) + 0.5
    else:
        integrals = np.random.default_rng(seed).exponential(size=most).cumsum()
    times_s = _inverse(integrals[integrals < expected], arrivals.per_s, (end_per_s - arrivals.per_s) / seconds)
    return times_s[times_s < seconds][process::processes]


def _inverse(integrals: NDArray[np.float64], start_per_s: float, slope: float) -> NDArray[np.float64]:
    """The times at which `start_per_s * t + slope * t^2 / 2` reaches these values."""
    root = np.sqrt(np.maximum(start_per_s**2 + 2 * slope * integrals, 0.0))
    denominator = start_per_s + root  # the stable form of the quadratic formula, good for slope 0 as well
    return np.divide(2 * integrals, denominator, out=np.zeros_like(integrals), where=denominator > 0)
