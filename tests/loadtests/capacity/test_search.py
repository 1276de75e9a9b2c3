"""The search finds what a server carries, also where a trial is a toss of a coin."""

import math
import random
from statistics import fmean, stdev

import pytest

from loadtests.capacity import Capacity, Limits, Trial, knee, search

LIMITS = Limits(tolerance=0.05)


def trial(per_s: float, *, carries_per_s: float, noise: float = 0.0, generator_bound: bool = False) -> Trial:
    """Of a queue: its delay grows as 1 / (1 - utilisation); a bound is crossed at what it carries."""
    full_per_s = carries_per_s / 0.9
    utilisation = min(0.999, per_s / full_per_s)
    mean_s = 0.01 / (1 - utilisation)
    margin = (0.1 / (1 - utilisation)) * math.exp(noise)
    return Trial(
        per_s=per_s,
        held=margin < 1,
        margin=margin,
        answered_per_s=min(per_s, full_per_s),
        mean_s=mean_s,
        p50_s=mean_s,
        p99_s=margin / 10,
        generator_bound=generator_bound,
    )


@pytest.mark.parametrize("carries_per_s", [0.7, 7.0, 63.0, 5_000.0])
@pytest.mark.parametrize("guess", [0.1, 1.0, 3.0])
def test_what_is_carried_is_found(carries_per_s: float, guess: float) -> None:
    found = search(
        lambda per_s: trial(per_s, carries_per_s=carries_per_s), first_per_s=guess * carries_per_s, limits=LIMITS
    )
    assert found.per_s is not None
    assert found.beyond_per_s is not None
    assert found.per_s <= carries_per_s <= found.beyond_per_s
    assert found.beyond_per_s <= found.per_s * 1.05


def spread(agree: int) -> float:
    """Of a hundred searches whose trials' 99th percentile is off by a third, either way: the standard deviation."""
    dice = random.Random(1)  # noqa: S311  no secret
    limits = Limits(tolerance=0.01, agree=agree)

    def attempt(per_s: float) -> Trial:
        return trial(per_s, carries_per_s=60.0, noise=dice.gauss(0, 0.35))

    found = [search(attempt, first_per_s=50.0, limits=limits).per_s or 0.0 for _ in range(100)]
    return stdev(found) / fmean(found)


def test_two_that_agree_are_steadier_than_one() -> None:
    steady, tossed = spread(2), spread(1)
    print(f"repeats within {steady:.1%}; with one trial a rate, {tossed:.1%}: standard deviations")
    assert steady < 0.03
    assert tossed > 1.2 * steady


def test_nothing_is_carried() -> None:
    found = search(lambda per_s: trial(per_s, carries_per_s=0.001), first_per_s=10)
    assert (found.per_s, found.beyond_per_s) == (None, Limits().least_per_s)


def test_all_is_carried() -> None:
    limits = Limits(most_per_s=100.0)
    found = search(lambda per_s: trial(per_s, carries_per_s=1e6), first_per_s=10, limits=limits)
    assert (found.per_s, found.beyond_per_s) == (100.0, None)


@pytest.mark.parametrize("bound", [False, True])
def test_a_generator_that_was_the_bottleneck_is_told(bound: bool) -> None:
    found = search(lambda per_s: trial(per_s, carries_per_s=60.0, generator_bound=bound and per_s > 50), first_per_s=50)
    assert found.generator_bound is bound


def test_the_knee_is_where_power_is_greatest() -> None:
    """Of an M/M/1 queue that is half of what it can do (Kleinrock, 1979)."""
    trials = [trial(per_s, carries_per_s=90.0) for per_s in range(5, 100, 5)]
    assert knee(trials) == 50
    assert knee([]) is None


def test_a_search_tries_below_for_the_knee() -> None:
    found: Capacity = search(lambda per_s: trial(per_s, carries_per_s=90.0), first_per_s=80)
    assert found.knee_per_s == pytest.approx(53, abs=3)
