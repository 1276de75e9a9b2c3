import pytest

from triptych import Breaker
from triptych.resilience.breaker import Circuit

POLICY = Breaker(failures=3, open_s=2.0)


def opened(now: float) -> Circuit:
    circuit = Circuit(POLICY)
    for _ in range(POLICY.failures):
        circuit.failed(now)
    return circuit


def test_it_opens_after_failures_in_a_row() -> None:
    circuit = Circuit(POLICY)
    for failures in range(1, 4):
        assert circuit.refused_for_s(10.0) == 0
        assert not circuit.is_open
        circuit.failed(10.0)
        assert circuit.is_open == (failures == 3)
    assert circuit.refused_for_s(10.5) == 1.5


def test_an_answer_in_between_starts_the_count_anew() -> None:
    circuit = Circuit(POLICY)
    for _ in range(10):
        circuit.failed(1.0)
        circuit.failed(1.0)
        circuit.answered()
    assert not circuit.is_open
    assert circuit.refused_for_s(1.0) == 0


def test_open_it_lets_one_call_through_every_while() -> None:
    circuit, passed = opened(0.0), []
    for tenth in range(100):
        now = tenth / 10
        if not circuit.refused_for_s(now):
            passed.append(now)
            circuit.failed(now)
    assert passed == [2.0, 4.0, 6.0, 8.0]


def test_the_others_wait_for_what_the_one_call_finds() -> None:
    circuit = opened(0.0)
    assert circuit.refused_for_s(2.5) == 0
    assert circuit.refused_for_s(2.5) == 2.0
    circuit.answered()
    assert not circuit.is_open
    assert circuit.refused_for_s(2.6) == 0


def test_a_call_that_never_tells_how_it_ended_does_not_keep_the_others_out() -> None:
    circuit = opened(0.0)
    assert [circuit.refused_for_s(now) == 0 for now in (2.0, 3.9, 4.0, 5.0, 6.0)] == [True, False, True, False, True]


@pytest.mark.parametrize("late", [1, 5])
def test_calls_that_were_under_way_when_it_opened_keep_it_open_no_longer(late: int) -> None:
    circuit = opened(0.0)
    for _ in range(late):
        circuit.failed(1.0)
    assert circuit.refused_for_s(2.0) == 0
