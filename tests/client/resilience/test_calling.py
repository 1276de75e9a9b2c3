"""The course of a call, driven without a network or a clock."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from math import inf
from random import Random

import pytest

from triptych import (
    Breaker,
    DeadlineExceededError,
    Ejection,
    Hedging,
    OverloadedError,
    PermissionDeniedError,
    ProtocolError,
    Resilience,
    Retry,
    ServerError,
    TriptychError,
    UnavailableError,
)
from triptych.endpoint import Endpoint
from triptych.resilience.calling import Service, Standing
from triptych.resilience.course import Answered, Course, Start
from triptych.resilience.resolving import Names

from ..clock import Clock
from .world import DEAD_STUB, FINE, ONCE, A, B, C, Reply, World, always, at, full, gone


def test_a_good_server_is_asked_once() -> None:
    world = World(always(Reply(after_s=0.2)))
    assert world.call() == Answered("from grpc://a:8001", A, 1)
    assert world.timeouts_s == [10.0]
    assert world.call().endpoint == B


def test_another_server_is_asked_after_a_wait_with_what_is_left_of_the_time() -> None:
    world = World(at(a=Reply(UnavailableError("gone"), after_s=1.0)))
    assert world.call() == Answered("from grpc://b:8001", B, 2)
    assert world.sent == [(A, 0.0), (B, 1.025)]
    assert world.timeouts_s == [10.0, pytest.approx(8.975)]


# error -> attempts at one server, at two
TABLE = [
    (UnavailableError("gone"), 4, 4),
    (OverloadedError("full"), 4, 4),
    (ServerError(DEAD_STUB, lasting=True), 1, 2),
    (ServerError("broken"), 1, 1),
    (DeadlineExceededError("late"), 1, 1),
    (PermissionDeniedError("no"), 1, 1),
    (ProtocolError("what?"), 1, 1),
]


@pytest.mark.parametrize(("error", "alone", "of_two"), TABLE, ids=lambda each: type(each).__name__)
def test_how_often_a_failure_is_attempted(error: TriptychError, alone: int, of_two: int) -> None:
    for servers, attempts in (([A], alone), ([A, B], of_two)):
        world = World(always(Reply(error)), servers=servers)
        assert world.error() is error
        assert world.attempts == attempts


def test_waits_double_and_are_jittered() -> None:
    for share, waits in ((1.0, [0.05, 0.1, 0.2]), (0.5, [0.025, 0.05, 0.1]), (0.0, [0.0, 0.0, 0.0])):
        world = World(always(full()), share=share)
        world.error()
        moments = [moment for _, moment in world.sent]
        assert [later - moment for moment, later in pairwise(moments)] == pytest.approx(waits)


def test_no_attempt_begins_that_the_deadline_would_cut_off_before() -> None:
    world = World(always(full()), share=1.0)
    assert isinstance(world.error(timeout_s=0.12), OverloadedError)
    assert world.attempts == 2  # the third would begin after 0.15 s


def test_a_second_attempt_that_is_late_is_the_call_that_is_late() -> None:
    world = World(lambda endpoint, _: gone() if endpoint == A else Reply(after_s=99))
    error = world.error(timeout_s=2.0)
    assert str(error) == "grpc://a:8001, grpc://b:8001 did not answer within 2 s, 2 attempts"


def test_direct_is_one_attempt() -> None:
    world = World(always(gone()))
    assert isinstance(world.error(direct=True), UnavailableError)
    assert world.attempts == 1


def test_without_retry_there_is_one_attempt() -> None:
    world = World(always(gone()), ONCE)
    world.error()
    assert world.attempts == 1


def test_calls_that_all_fail_cost_little_more_than_one_attempt_each() -> None:
    world = World(always(gone()), replace(Resilience(), breaker=None))
    spent = 0
    while world.error() and world.attempts > 1:
        spent += world.attempts - 1
    assert spent == pytest.approx(103, abs=1)  # the burst, and what its calls brought
    attempts = 0
    for _ in range(1000):
        world.error()
        attempts += world.attempts
    assert attempts <= 1100


def test_a_control_without_a_budget_s_bound_they_cost_four() -> None:
    world = World(always(gone()), replace(Resilience(), retry=Retry(budget_burst=1e9), breaker=None))
    for _ in range(200):
        world.error()
        assert world.attempts == 4


# ---- what the server asks for


@pytest.mark.parametrize("reply", [gone, full])
def test_a_lone_server_is_asked_again_when_it_said(reply: Callable[..., Reply]) -> None:
    world = World(lambda _, number: reply(retry_after_s=1.5) if number == 1 else FINE, servers=[A])
    assert world.call().attempts == 2
    assert world.sent == [(A, 0.0), (A, 1.5)]


def test_another_server_need_not_wait_for_that() -> None:
    world = World(at(a=full(retry_after_s=1.5)))
    assert world.call().endpoint == B
    assert world.sent == [(A, 0.0), (B, 0.025)]
    assert [world.call().endpoint for _ in range(3)] == [B, B, B]
    world.clock.sleep(1.5)
    world.call()
    assert world.sent[0][0] == A


def test_where_all_said_so_the_call_waits() -> None:
    world = World(lambda _, number: full(retry_after_s=1.0) if number <= 2 else FINE)
    world.call()
    assert world.sent == [(A, 0.0), (B, 0.025), (A, 1.025)]


@pytest.mark.parametrize("servers", [[A], [A, B]])
@pytest.mark.parametrize("after_s", [inf, 10.0, 11.0])
def test_never_and_too_late_end_the_call(after_s: float, servers: list[Endpoint]) -> None:
    world = World(at(a=full(retry_after_s=after_s)), servers=servers)
    if after_s < inf and len(servers) > 1:
        assert world.call().endpoint == B
    else:
        assert world.error().retry_after_s == after_s
        assert world.attempts == 1
        assert world.clock.time_s == 1000.0


# ---- a dead stub


def test_a_dead_stub_is_left_once() -> None:
    dead = Reply(ServerError(DEAD_STUB, lasting=True))
    world = World(at(a=dead))
    assert world.call().endpoint == B
    world = World(always(dead), servers=[A, B, C])
    world.error()
    assert [server for server, _ in world.sent] == [A, B]


def test_after_a_dead_stub_only_the_others_are_asked() -> None:
    def replies(endpoint: Endpoint, number: int) -> Reply:
        return Reply(ServerError(DEAD_STUB, lasting=True)) if endpoint == A else gone() if number < 4 else FINE

    world = World(replies, servers=[A, B])
    assert world.call().attempts == 4
    assert [server for server, _ in world.sent] == [A, B, B, B]


# ---- the circuit


def test_after_a_row_of_failures_calls_fail_at_once_and_one_tries() -> None:
    world = World(always(gone()), replace(ONCE, breaker=Breaker(failures=3, open_s=1.0)))
    for _ in range(3):
        assert world.error().retry_after_s is None
    assert world.service.standing() == Standing(2, 2, 0, circuit_open=True)
    tried = 0
    for _ in range(50):
        error = world.error()
        tried += world.attempts
        if not world.attempts:
            assert "no server could serve the last calls (grpc://a:8001, grpc://b:8001)" in str(error)
            assert 0 < (error.retry_after_s or 0) <= 1
        world.clock.sleep(0.1)
    assert tried == 5 - 1


@pytest.mark.parametrize(
    ("error", "after_s", "timeout_s", "opens"),
    [
        (UnavailableError("gone"), 0, 10, True),
        (ServerError(DEAD_STUB, lasting=True), 0, 10, True),
        (None, 99, 1.0, True),
        (None, 99, 0.9, False),  # less than the patience
        (OverloadedError("full"), 0, 10, False),
        (ServerError("broken"), 0, 10, False),
        (PermissionDeniedError("no"), 0, 10, False),
        (None, 0, 10, False),
    ],
)
def test_what_opens_the_circuit(error: TriptychError | None, after_s: float, timeout_s: float, *, opens: bool) -> None:
    world = World(always(Reply(error, after_s)), replace(ONCE, breaker=Breaker(failures=3)))
    for _ in range(3):
        with suppress(TriptychError):
            world.call(timeout_s=timeout_s)
    assert world.service.standing().circuit_open is opens


@pytest.mark.parametrize("error", [None, ServerError("broken"), PermissionDeniedError("no")])
def test_an_answer_whatever_it_is_closes_the_circuit(error: TriptychError | None) -> None:
    replies = {"now": gone()}
    world = World(lambda _, __: replies["now"], replace(ONCE, breaker=Breaker(failures=1)))
    world.error()
    assert world.service.standing().circuit_open
    replies["now"] = Reply(error)
    world.clock.sleep(1.0)
    if error:
        assert world.error() is error
    else:
        world.call()
    assert not world.service.standing().circuit_open


def test_a_health_check_goes_through_an_open_circuit_and_closes_it() -> None:
    replies = {"now": gone()}
    world = World(lambda _, __: replies["now"], replace(ONCE, breaker=Breaker(failures=1)))
    world.error()
    replies["now"] = FINE
    world.call(direct=True)
    world.call()


# ---- names


def test_a_call_waits_for_its_name_to_be_resolved() -> None:
    clock = Clock()
    works: list[Callable[[], None]] = []

    def names(*arguments: object, **settings: object) -> Names:
        return Names(*arguments, **settings, lookup=lambda *_: [("10.0.0.1", 1)], start=works.append)  # type: ignore[arg-type]

    service = Service([Endpoint.from_url("dns:///web")], Resilience(), clock=clock.now, names=names)
    course: Course[str] = service.call(timeout_s=1.0)
    for _ in range(3):
        step = course.send(None)
        assert not isinstance(step, Start)
        clock.time_s = step.until
    works.pop()()
    step = course.send(None)
    assert isinstance(step, Start)
    assert step.attempt.endpoint.authority == "10.0.0.1:8001"
    assert step.attempt.timeout_s < 1.0 or step.attempt.began == 1000.0


@pytest.mark.parametrize("found", [OSError("no such name"), None])
def test_a_name_that_is_not_resolved_fails_in_time(found: OSError | None) -> None:
    clock = Clock()

    def lookup(*_: object) -> list[tuple[str, int]]:
        if found:
            raise found
        return []

    def names(*arguments: object, **settings: object) -> Names:
        return Names(*arguments, **settings, lookup=lookup, start=lambda work: work())  # type: ignore[arg-type]

    service = Service([Endpoint.from_url("dns:///web")], Resilience(), clock=clock.now, names=names)
    course: Course[str] = service.call(timeout_s=1.0)
    with pytest.raises(UnavailableError if found else DeadlineExceededError, match="name"):
        run_dry(course, clock)
    assert clock.time_s <= 1001.01


def run_dry(course: Course[str], clock: Clock) -> None:
    while True:
        step = course.send(None)
        assert not isinstance(step, Start)
        clock.time_s = step.until


# ---- whatever happens


@pytest.mark.parametrize("seed", range(20))
def test_no_call_lasts_longer_than_it_may(seed: int) -> None:
    draw = Random(seed)  # noqa: S311
    errors: list[Callable[[], TriptychError | None]] = [
        lambda: None,
        lambda: UnavailableError("gone"),
        lambda: UnavailableError("gone", retry_after_s=draw.choice([0.0, 0.3, 2.0, inf])),
        lambda: OverloadedError("full", retry_after_s=draw.choice([0.0, 0.3, 2.0, inf])),
        lambda: OverloadedError("full"),
        lambda: ServerError("broken"),
        lambda: ServerError(DEAD_STUB, lasting=True),
    ]
    hedging = draw.choice([None, Hedging(after_s=0.1)])
    policy = replace(Resilience(), hedging=hedging, ejection=draw.choice([None, Ejection()]))
    world = World(
        lambda _, __: Reply(draw.choice(errors)(), draw.choice([0.0, 0.05, 0.5, 5.0])),
        policy,
        servers=(A, B, C)[: draw.randrange(1, 4)],
    )
    for _ in range(200):
        began, timeout_s = world.clock.time_s, draw.choice([0.01, 0.3, 1.0, 3.0])
        try:
            answered = world.call(timeout_s=timeout_s)
            assert 1 <= answered.attempts <= 4
        except TriptychError:
            pass
        assert world.clock.time_s - began <= timeout_s + 1e-6
        assert world.attempts <= 4
        assert all(0 < left <= timeout_s + 1e-9 for left in world.timeouts_s)
        world.clock.sleep(draw.random())
