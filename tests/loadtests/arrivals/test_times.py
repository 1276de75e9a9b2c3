"""Poisson arrivals are Poisson's, constant ones are a metronome's, ramps have the rate they say."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from loadtests.arrivals import intended_times_s
from loadtests.profiles import Arrivals

LEAST_P = 0.05


def gaps_are_exponential(times_s: NDArray[np.float64], per_s: float) -> float:
    """The p-value of Kolmogorov's and Smirnov's test."""
    return float(stats.kstest(np.diff(times_s), "expon", args=(0, 1 / per_s)).pvalue)


def test_gaps_of_10_000_a_second_are_exponential() -> None:
    times_s = intended_times_s(Arrivals(10_000), seconds=10, seed=1)
    p = gaps_are_exponential(times_s, 10_000)
    print(f"{len(times_s)} arrivals, p = {p:.2f}")
    assert p > LEAST_P
    assert abs(len(times_s) - 100_000) < 4 * 100_000**0.5


@pytest.mark.parametrize("planted", ["metronome", "ticks of a millisecond", "a twentieth slower"])
def test_the_test_rejects_what_is_not_poisson(planted: str) -> None:
    times_s = {
        "metronome": intended_times_s(Arrivals(10_000, "constant"), seconds=10, seed=1),
        "ticks of a millisecond": np.ceil(intended_times_s(Arrivals(10_000), seconds=10, seed=1) * 1000) / 1000,
        "a twentieth slower": intended_times_s(Arrivals(9_500), seconds=10, seed=1),
    }[planted]
    assert gaps_are_exponential(times_s, 10_000) < 1e-6


def test_most_seeds_are_accepted() -> None:
    accepted = sum(
        gaps_are_exponential(intended_times_s(Arrivals(1_000), seconds=2, seed=seed), 1_000) > LEAST_P
        for seed in range(100)
    )
    assert accepted >= 88  # 95 of 100 are, give or take


def test_constant_arrivals_are_evenly_spaced() -> None:
    times_s = intended_times_s(Arrivals(50, "constant"), seconds=2, seed=0)
    assert len(times_s) == 100
    assert np.allclose(np.diff(times_s), 0.02)


@pytest.mark.parametrize("spacing", ["poisson", "constant"])
@pytest.mark.parametrize(("start", "end"), [(0, 1000), (1000, 0), (200, 600)])
def test_a_ramp_has_its_rate_everywhere(spacing: str, start: float, end: float) -> None:
    seconds = 20.0
    times_s = intended_times_s(Arrivals(start, spacing, to_per_s=end), seconds=seconds, seed=3)  # type: ignore[arg-type]
    counts, edges = np.histogram(times_s, bins=10, range=(0, seconds))
    expected = (start + (end - start) * (edges[:-1] + edges[1:]) / 2 / seconds) * seconds / 10
    assert np.all(np.abs(counts - expected) < 4 * expected**0.5 + 1)


@pytest.mark.parametrize("spacing", ["poisson", "constant"])
def test_several_processes_together_send_what_one_would(spacing: str) -> None:
    arrivals = Arrivals(500, spacing)  # type: ignore[arg-type]
    alone = intended_times_s(arrivals, seconds=4, seed=9)
    parts = [intended_times_s(arrivals, seconds=4, seed=9, process=each, processes=3) for each in range(3)]
    assert np.array_equal(np.sort(np.concatenate(parts)), alone)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_the_seed_decides() -> None:
    first, again, other = (intended_times_s(Arrivals(100), seconds=1, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first[:10], other[:10])


def test_no_rate_sends_nothing() -> None:
    assert len(intended_times_s(Arrivals(0), seconds=1, seed=0)) == 0
