"""Attempts beside one that is silent."""

from dataclasses import replace

import pytest

from triptych import (
    DeadlineExceededError,
    Hedging,
    Resilience,
    Retry,
    ServerError,
)
from triptych.resilience.calling import Service
from triptych.resilience.course import Answered, Course, Start

from .world import A, B, C, Reply, World, always, at

HEDGED = replace(Resilience(), hedging=Hedging(after_s=0.2))


def test_a_silent_server_is_hedged_and_the_first_answer_counts() -> None:
    world = World(at(a=Reply(after_s=3.0), b=Reply(after_s=0.1)), HEDGED)
    assert world.call() == Answered("from grpc://b:8001", B, 2)
    assert world.sent == [(A, 0.0), (B, 0.2)]
    assert world.clock.time_s == pytest.approx(1000.3)


def test_the_first_attempt_may_still_win() -> None:
    world = World(at(a=Reply(after_s=0.3), b=Reply(after_s=3.0)), HEDGED)
    assert world.call() == Answered("from grpc://a:8001", A, 2)


def test_a_quick_server_is_not_hedged() -> None:
    world = World(always(Reply(after_s=0.1)), HEDGED)
    assert world.call().attempts == 1


def test_a_hedge_that_fails_leaves_the_first_attempt_its_time() -> None:
    world = World(at(a=Reply(after_s=3.0), b=Reply(ServerError("broken"), after_s=0.1)), HEDGED)
    assert world.call().endpoint == A


def test_the_last_failure_counts_where_all_fail() -> None:
    errors = {"a": ServerError("first"), "b": ServerError("second")}
    world = World(at(a=Reply(errors["a"], 0.5), b=Reply(errors["b"], 0.5)), replace(HEDGED, retry=Retry(attempts=2)))
    assert world.error() is errors["b"]


@pytest.mark.parametrize(("retry", "attempts"), [(Retry(attempts=3), 3), (Retry(attempts=1), 1), (None, 2)])
def test_hedges_are_attempts_too(retry: Retry | None, attempts: int) -> None:
    world = World(always(Reply(after_s=99)), replace(HEDGED, retry=retry), servers=[A, B, C])
    assert isinstance(world.error(), DeadlineExceededError)
    assert world.attempts == attempts
    assert world.clock.time_s == pytest.approx(1010.0)


def test_a_hedge_takes_a_token() -> None:
    retry = Retry(budget_ratio=0.0, budget_burst=2)
    world = World(always(Reply(after_s=0.5)), replace(HEDGED, retry=retry))
    attempts = [world.call().attempts for _ in range(4)]
    assert attempts == [3, 1, 1, 1]


def test_a_timer_that_rings_early_makes_no_more_hedges() -> None:
    service = Service([A, B], replace(HEDGED, retry=None), clock=lambda: 1000.0, random=lambda: 0.5)
    course: Course[str] = service.call(timeout_s=1.0)
    steps = [course.send(None) for _ in range(20)]
    assert sum(isinstance(step, Start) for step in steps) == 2
