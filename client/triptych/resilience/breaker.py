"""The circuit breaker: no calls to a service that could serve none of the last ones. Pure."""

import math

from ..config import Breaker


class Circuit:
    """Closed until `Breaker.failures` calls in a row failed; then one call every `open_s` tries."""

    def __init__(self, policy: Breaker) -> None:
        self._policy = policy
        self._failures = 0
        self._open_until = -math.inf

    @property
    def is_open(self) -> bool:
        """Whether it holds calls back."""
        return self._failures >= self._policy.failures

    def refused_for_s(self, now: float) -> float:
        """0 where a call may go out, else the seconds until the next one may."""
        if self._failures < self._policy.failures:
            return 0.0
        if now < self._open_until:
            return self._open_until - now
        self._open_until = now + self._policy.open_s  # this call tries; the others wait for what it finds
        return 0.0

    def answered(self) -> None:
        """A server answered a call, with whatever."""
        self._failures = 0

    def failed(self, now: float) -> None:
        """No server could serve a call."""
        self._failures += 1
        if self._failures == self._policy.failures:
            self._open_until = now + self._policy.open_s
