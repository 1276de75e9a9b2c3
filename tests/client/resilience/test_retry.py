from random import Random

import pytest

from triptych import (
    DeadlineExceededError,
    ImageError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    ProtocolError,
    Retry,
    ServerError,
    TooLargeError,
    TriptychError,
    UnavailableError,
    errors,
)
from triptych.resilience.retry import Again, Budget, Sign, Treatment, treatment, wait_s
from triptych.transports.transport import InvalidArgumentError

# error -> (where it is attempted again, what it says of the server)
TREATMENTS: list[tuple[TriptychError, Again, Sign]] = [
    (UnavailableError(""), Again.ANYWHERE, Sign.GONE),
    (OverloadedError(""), Again.ANYWHERE, Sign.BUSY),
    (ServerError("", lasting=True), Again.ELSEWHERE, Sign.GONE),
    (ServerError(""), Again.NEVER, Sign.FAULTY),
    (DeadlineExceededError(""), Again.NEVER, Sign.FAULTY),
    (NotFoundError(""), Again.ELSEWHERE, Sign.GONE),
    (PermissionDeniedError(""), Again.NEVER, Sign.FAULTY),
    (ProtocolError(""), Again.NEVER, Sign.FAULTY),
    (TooLargeError(""), Again.NEVER, Sign.WELL),
    (InvalidArgumentError(""), Again.NEVER, Sign.WELL),
    (ImageError("corrupt_image", "", source="cat.jpg"), Again.NEVER, Sign.WELL),
    (errors.InvalidUrlError(""), Again.NEVER, Sign.WELL),
    (errors.InvalidSettingError(""), Again.NEVER, Sign.WELL),
    (errors.InvalidUseError(""), Again.NEVER, Sign.WELL),
]


@pytest.mark.parametrize(("error", "again", "sign"), TREATMENTS, ids=lambda each: type(each).__name__)
def test_what_follows_from_a_failure(error: TriptychError, again: Again, sign: Sign) -> None:
    assert treatment(error) == Treatment(again, sign)


def test_every_error_of_the_sdk_is_in_the_table() -> None:
    every = {each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, TriptychError)}
    assert every - {TriptychError} <= {type(error) for error, _, _ in TREATMENTS}


@pytest.mark.parametrize(
    ("failed", "share", "seconds"),
    [(1, 0, 0), (1, 0.5, 0.05), (2, 0.5, 0.1), (3, 0.5, 0.2), (4, 0.5, 0.4), (5, 0.5, 0.5), (10_000, 0.5, 0.5)],
)
def test_the_wait_doubles_up_to_its_cap(failed: int, share: float, seconds: float) -> None:
    assert wait_s(Retry(base_s=0.1, cap_s=1.0), failed=failed, share=share) == pytest.approx(seconds)


def test_the_wait_is_spread_over_all_of_its_length() -> None:
    draw = Random(1).random  # noqa: S311
    waits = sorted(wait_s(Retry(base_s=0.1, cap_s=1.0), failed=3, share=draw()) for _ in range(1000))
    assert 0 <= waits[0] < 0.01
    assert 0.39 < waits[-1] < 0.4
    assert 0.18 < waits[500] < 0.22


@pytest.mark.parametrize(("ratio", "burst"), [(0.1, 0), (0.1, 1), (0.1, 100), (0.5, 3), (0.0, 5), (1.0, 1)])
def test_a_budget_gives_its_burst_and_a_share_of_the_calls_and_no_more(ratio: float, burst: float) -> None:
    budget, calls, taken = Budget(Retry(budget_ratio=ratio, budget_burst=burst)), 10_000, 0
    for _ in range(calls):
        budget.deposit()
        while budget.withdraw():
            taken += 1
    most = burst + ratio * calls if burst >= 1 else 0  # a bucket that holds no whole token never gives one
    assert most - 1 - ratio <= taken <= most + 1e-6


def test_a_quiet_time_saves_no_more_than_the_burst() -> None:
    budget = Budget(Retry(budget_burst=3))
    for _ in range(1000):
        budget.deposit()
    assert [budget.withdraw() for _ in range(5)] == [True, True, True, False, False]


def test_ten_calls_are_worth_one_retry() -> None:
    budget = Budget(Retry(budget_ratio=0.1, budget_burst=1))
    assert budget.withdraw()
    assert not budget.withdraw()
    found = []
    for _ in range(20):
        budget.deposit()
        found.append(budget.withdraw())
    assert [place for place, taken in enumerate(found, 1) if taken] == [10, 20]
