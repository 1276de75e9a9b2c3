from itertools import product

import pytest

from triptych import Ejection
from triptych.resilience.ejection import Record, is_outlier, rest_s

POLICY = Ejection(window=20, least=10, ratio=0.5, factor=2.0, base_s=10.0, cap_s=300.0)


@pytest.mark.parametrize(
    ("own", "others", "was_before", "found"),
    [
        ((10, 5), [(10, 0)], False, True),
        ((10, 4), [(10, 0)], False, False),  # too few of them failed
        ((9, 9), [(10, 0)], False, False),  # too few answers
        ((9, 9), [(10, 0)], True, True),
        ((3, 3), [(10, 0)], True, True),
        ((2, 2), [(10, 0)], True, False),
        ((10, 5), [(20, 5)], False, True),  # twice the others' share
        ((10, 5), [(20, 6)], False, False),
        ((10, 10), [(10, 10)], False, False),  # all are as bad
        ((10, 10), [(10, 5)], False, True),
        ((10, 10), [(10, 10), (30, 0)], False, True),  # 10 of 40 is the others' share
        ((10, 10), [], False, True),
        ((10, 10), [(0, 0)], False, True),
        ((0, 0), [(10, 0)], False, False),
    ],
)
def test_an_outlier_fails_often_and_more_often_than_the_others(
    own: tuple[int, int], others: list[tuple[int, int]], was_before: bool, found: bool
) -> None:
    assert is_outlier(POLICY, own, others, was_before=was_before) is found


def test_two_servers_are_never_outliers_of_each_other() -> None:
    counts = [(answers, failed) for answers in range(21) for failed in range(answers + 1)]
    for first, second in product(counts, counts):
        assert not (is_outlier(POLICY, first, [second]) and is_outlier(POLICY, second, [first]))


def test_one_that_is_convicted_after_few_answers_is_convicted_after_more() -> None:
    lax = Ejection(least=2)
    assert is_outlier(lax, (2, 2), [(9, 0)], was_before=True)  # `least` is below the 3 that are enough the second time


def test_a_record_keeps_the_last_answers_of_the_last_while() -> None:
    record = Record(Ejection(window=4, least=2, horizon_s=30.0))
    assert record.counts(0.0) == (0, 0)
    for now, failed in [(0, True), (10, True), (20, False), (30, False), (40, True)]:
        record.add(now, failed=failed)
    assert record.counts(40.0) == (4, 2)  # the fifth before the last is forgotten
    assert record.counts(50.0) == (3, 1)
    assert record.counts(70.0) == (1, 1)
    assert record.counts(70.1) == (0, 0)
    record.clear()
    assert record.counts(40.0) == (0, 0)


@pytest.mark.parametrize(("ejections", "seconds"), [(1, 10), (2, 20), (3, 40), (5, 160), (6, 300), (10_000, 300)])
def test_each_rest_is_twice_the_one_before(ejections: int, seconds: float) -> None:
    assert rest_s(POLICY, ejections) == seconds
