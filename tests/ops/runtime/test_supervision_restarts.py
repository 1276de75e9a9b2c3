"""When to replace what failed, and when to give up; seconds are data."""

import pytest

from triptych_ops.runtime import RestartPolicy
from triptych_ops.runtime.supervision.restarts import Restarts

POLICY = RestartPolicy(base_s=1.0, longest_s=5.0, limit=6, window_s=100.0)


def _begun(*at_s: float, served: bool = True) -> Restarts:
    restarts = Restarts(POLICY)
    for now_s in at_s:
        restarts = restarts.begin(now_s)
        restarts = restarts.served() if served else restarts
    return restarts


@pytest.mark.parametrize(
    ("earlier", "least_s", "most_s"),
    [(0, 0.0, 0.0), (1, 0.5, 1.0), (2, 1.0, 2.0), (3, 2.0, 4.0), (4, 2.5, 5.0), (5, 2.5, 5.0)],
)
def test_each_waits_longer_than_the_one_before(earlier: int, least_s: float, most_s: float) -> None:
    restarts = _begun(*range(earlier))
    assert restarts.delay_s(10, draw=0.0) == least_s
    assert restarts.delay_s(10, draw=1.0) == most_s


def test_what_lies_behind_the_window_is_forgotten() -> None:
    assert _begun(0, 1).delay_s(100.5, draw=1.0) == 1.0
    assert _begun(0, 1).delay_s(101, draw=1.0) == 0.0


def test_it_gives_up_after_so_many_within_the_window() -> None:
    restarts = _begun(0, 1, 2, 3, 4, 5)
    assert not _begun(0, 1, 2, 3, 4).exhausted(6)
    assert restarts.exhausted(6)
    assert not restarts.exhausted(100)


def test_it_gives_up_after_so_many_in_a_row_that_never_served() -> None:
    at_s = [100.0 * number for number in range(6)]
    assert not _begun(*at_s).exhausted(600)
    assert _begun(*at_s, served=False).exhausted(600)
    assert _begun(*at_s[:5], served=False).delay_s(599, draw=1.0) == 5.0
    assert not _begun(*at_s, served=False).served().exhausted(600)


def test_the_usual_patience_outlasts_a_minute_of_starts_that_fail_at_once() -> None:
    restarts, now_s = Restarts(), 0.0
    while not restarts.exhausted(now_s):
        now_s += restarts.delay_s(now_s, draw=0.5)
        restarts = restarts.begin(now_s)
    assert 45 < now_s < 120
