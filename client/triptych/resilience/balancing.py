"""Which server is asked next: round robin over those that are ready. Pure; the clock comes with each call."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from ..config import BackOff, Resilience
from ..endpoint import Endpoint
from . import ejection
from .ejection import Record, is_outlier
from .retry import Sign


@dataclass(slots=True)
class _Member:
    """One server, and what is remembered of it."""

    endpoint: Endpoint
    record: Record | None
    failures: int = 0  # in a row, without reaching it
    ejections: int = 0
    probed: bool = False  # it comes back from a rest: one call at a time
    rested_at: float = -math.inf
    rest_until: float = -math.inf


class Balancer:
    """The servers of one client. Not thread-safe.

    random:    uniform in [0, 1)
    ejections: how many there were in all
    """

    def __init__(self, endpoints: Sequence[Endpoint], policy: Resilience, *, random: Callable[[], float]) -> None:
        self._policy = policy
        self._random = random
        self._turn = 0
        self.ejections = 0
        self._members = {endpoint: self._member(endpoint) for endpoint in endpoints}

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """All of them, resting or not."""
        return tuple(self._members)

    def resting(self, now: float) -> int:
        """How many of them rest."""
        return sum(member.rest_until > now for member in self._members.values())

    def replace(self, endpoints: Sequence[Endpoint]) -> None:
        """These are the servers now; what is known of those that stay is kept."""
        self._members = {each: self._members.get(each) or self._member(each) for each in endpoints}

    def has_other(self, tried: Collection[Endpoint], *, ready_at: float = math.inf) -> bool:
        """Whether there is a server that is none of `tried` and whose rest is over by then."""
        members = self._members.values()
        return any(each.rest_until <= ready_at for each in members if each.endpoint not in tried)

    def pick(self, now: float, tried: Collection[Endpoint] = (), *, avoided: Endpoint | None = None) -> Endpoint:
        """The next in turn: ready and not yet `tried`, else ready, else the one whose rest ends first.

        avoided: asked only where there is no other
        """
        members = [*self._members.values()]
        if len(members) == 1:
            return self._picked(members[0], now)
        turned = (members[(self._turn + step) % len(members)] for step in range(len(members)))

        def rank(member: _Member) -> tuple[bool, bool, bool, float]:
            was_tried, rests = member.endpoint in tried, member.rest_until > now
            return member.endpoint == avoided, rests, was_tried, member.rest_until if rests else 0.0

        member = min(turned, key=rank)
        self._turn = members.index(member) + 1
        return self._picked(member, now)

    def _picked(self, member: _Member, now: float) -> Endpoint:
        if member.probed and member.rest_until <= now:
            member.rest_until = now + self._probe_s(member)  # until this call ends, no other goes there
        return member.endpoint

    def report(
        self, endpoint: Endpoint, sign: Sign, *, began: float, now: float, retry_after_s: float | None = None
    ) -> None:
        """An attempt that `began` then has ended; `retry_after_s` is what the server asked for."""
        member = self._members.get(endpoint)
        if member is None or began < member.rested_at:  # gone since, or sent before it was put to rest
            return
        if sign is Sign.GONE:
            self._back_off(member, now)
        else:
            returning = member.probed
            if returning:
                member.probed, member.rest_until = sign is Sign.FAULTY, -math.inf
            member.failures = 0
            self._judge(member, now, failed=sign is Sign.FAULTY, returning=returning)
        if retry_after_s is not None and math.isfinite(retry_after_s):
            member.rest_until = max(member.rest_until, now + retry_after_s)

    def _member(self, endpoint: Endpoint) -> _Member:
        return _Member(endpoint, Record(self._policy.ejection) if self._policy.ejection else None)

    def _back_off(self, member: _Member, now: float) -> None:
        if self._policy.back_off is None:
            return
        member.failures += 1
        longest_s = _back_off_s(self._policy.back_off, member.failures)
        self._rest(member, now, (1 + self._random()) / 2 * longest_s)

    def _judge(self, member: _Member, now: float, *, failed: bool, returning: bool) -> None:
        policy = self._policy.ejection
        if policy is None or member.record is None:
            return
        member.record.add(now, failed=failed)
        if member.ejections and now - member.rested_at > policy.cap_s + ejection.rest_s(policy, member.ejections):
            member.ejections = 0
        if not failed:
            return
        others = [each for each in self._members.values() if each is not member and each.rest_until <= now]
        if not others:
            return
        own, counts = member.record.counts(now), [each.record.counts(now) for each in others if each.record]
        was_before = member.ejections > 0
        if (returning and was_before) or is_outlier(policy, own, counts, was_before=was_before):
            member.ejections += 1
            self.ejections += 1
            member.record.clear()
            self._rest(member, now, ejection.rest_s(policy, member.ejections))

    def _rest(self, member: _Member, now: float, seconds: float) -> None:
        member.probed, member.rested_at, member.rest_until = True, now, now + seconds

    def _probe_s(self, member: _Member) -> float:
        """How long the result of one call is waited for before another may try."""
        policy = self._policy.back_off or BackOff()
        return _back_off_s(policy, max(member.failures, 1))


def _back_off_s(policy: BackOff, failures: int) -> float:
    return min(policy.cap_s, policy.base_s * 2.0 ** min(failures - 1, 60))
