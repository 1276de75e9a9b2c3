"""One holder at a time, however slow the others' answers are."""

from dataclasses import dataclass, field

import pytest

from triptych_ops.rollout.errors import ConflictError, LostLeaseError, UnreachableError
from triptych_ops.rollout.lease import DURATION_S, SURE_S, Held, Lease


@dataclass
class Leases:
    held: Held = field(default_factory=lambda: Held(None, None))
    reachable: bool = True
    loses_answers: bool = False

    def read(self) -> Held:
        if not self.reachable:
            raise UnreachableError("down")
        return self.held

    def write(self, holder: str | None, *, over: Held) -> Held:
        if self.read() != over:
            raise ConflictError("written")
        self.held = Held(holder, str(int(over.version or 0) + 1))
        if self.loses_answers:
            raise UnreachableError("no answer")
        return self.held


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def lease(leases: Leases, me: str, clock: Clock) -> Lease:
    return Lease(leases, me, clock=clock, sleep=clock.sleep)


def test_a_free_one_is_taken_at_once_and_left_for_others() -> None:
    leases, clock = Leases(), Clock()
    first, second = lease(leases, "a", clock), lease(leases, "b", clock)
    first.take(within_s=1)
    assert first.sure
    assert not second.sure
    first.leave()
    second.take(within_s=1)
    assert (clock.now, first.sure, second.sure) == (0, False, True)


def test_a_dead_holder_is_followed_after_the_duration() -> None:
    leases, clock = Leases(Held("dead", "1")), Clock()
    lease(leases, "b", clock).take(within_s=2 * DURATION_S)
    assert DURATION_S <= clock.now < DURATION_S + 1


def test_a_living_holder_is_named_at_once() -> None:
    leases, clock = Leases(), Clock()
    first = lease(leases, "a", clock)
    first.take(within_s=1)

    def renewing(seconds: float) -> None:
        clock.sleep(seconds)
        first.renew()

    with pytest.raises(LostLeaseError, match="a drives this rollout"):
        Lease(leases, "b", clock=clock, sleep=renewing).take(within_s=60)
    assert clock.now < 1


def test_who_was_away_for_too_long_is_no_longer_sure() -> None:
    leases, clock = Leases(), Clock()
    first, second = lease(leases, "a", clock), lease(leases, "b", clock)
    first.take(within_s=1)
    leases.reachable = False
    clock.now += SURE_S
    with pytest.raises(UnreachableError):
        _ = first.sure
    leases.reachable = True
    second.take(within_s=2 * DURATION_S)
    assert not first.sure
    assert second.sure
    first.leave()
    assert leases.held.holder == "b"


def test_nobody_took_it_meanwhile_and_it_is_renewed() -> None:
    leases, clock = Leases(), Clock()
    first = lease(leases, "a", clock)
    first.take(within_s=1)
    clock.now += 10 * SURE_S
    assert first.sure


def test_a_renewal_whose_answer_is_lost_is_still_a_renewal() -> None:
    leases, clock = Leases(), Clock()
    first = lease(leases, "a", clock)
    first.take(within_s=1)
    leases.loses_answers = True
    with pytest.raises(UnreachableError):
        first.renew()
    leases.loses_answers = False
    first.renew()
    assert first.sure


def test_others_wait_longer_than_a_holder_is_sure() -> None:
    assert SURE_S < DURATION_S
