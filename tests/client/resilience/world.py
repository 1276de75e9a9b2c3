"""Servers that reply as they are told, for courses of calls that are driven without a network or a clock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import count

import pytest

from triptych import (
    DeadlineExceededError,
    OverloadedError,
    Resilience,
    TriptychError,
    UnavailableError,
)
from triptych.endpoint import Endpoint
from triptych.resilience.calling import Service
from triptych.resilience.course import Answered, Course, Ended, Start

from ..clock import Clock

A, B, C = (Endpoint.from_url(f"grpc://{name}") for name in "abc")
ONCE = replace(Resilience(), retry=None)
DEAD_STUB = "Stub process 'x' is not healthy."


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server does with a request: after a while it answers, or fails."""

    error: TriptychError | None = None
    after_s: float = 0.0


def gone(*, retry_after_s: float | None = None) -> Reply:
    return Reply(UnavailableError("gone", retry_after_s=retry_after_s))


def full(*, retry_after_s: float | None = None) -> Reply:
    return Reply(OverloadedError("full", retry_after_s=retry_after_s))


FINE = Reply()


class World:
    """Servers that reply as they are told, a client's service, and its clock; remembers what was sent, and when."""

    def __init__(
        self,
        replies: Callable[[Endpoint, int], Reply],
        policy: Resilience = Resilience(),  # noqa: B008  frozen
        *,
        servers: Sequence[Endpoint] = (A, B),
        share: float = 0.5,
    ) -> None:
        self.clock = Clock()
        self.service = Service(servers, policy, clock=self.clock.now, random=lambda: share)
        self.sent: list[tuple[Endpoint, float]] = []  # and seconds since the call began
        self.timeouts_s: list[float] = []
        self._replies = replies

    def call(self, *, timeout_s: float = 10.0, direct: bool = False) -> Answered[str]:
        """A call to its end; raises what it ends with. An attempt ends by its deadline, as transports promise."""
        course: Course[str] = self.service.call(timeout_s=timeout_s, direct=direct)
        self.sent, self.timeouts_s, began = [], [], self.clock.time_s
        ends: list[tuple[float, int, Ended[str]]] = []
        numbers = count()
        outcome: Ended[str] | None = None
        try:
            while True:
                step, outcome = course.send(outcome), None
                if isinstance(step, Start):
                    attempt = step.attempt
                    self.sent.append((attempt.endpoint, round(self.clock.time_s - began, 6)))
                    self.timeouts_s.append(attempt.timeout_s)
                    reply = self._replies(attempt.endpoint, len(self.sent))
                    error = reply.error
                    if reply.after_s >= attempt.timeout_s:
                        error = DeadlineExceededError("late")
                    at = self.clock.time_s + min(reply.after_s, attempt.timeout_s)
                    ended = Ended(attempt, None if error else f"from {attempt.endpoint}", error)
                    heappush(ends, (at, next(numbers), ended))
                elif ends and ends[0][0] <= step.until:
                    self.clock.time_s, _, ended = heappop(ends)
                    outcome = self.service.ended(ended.attempt, response=ended.response, error=ended.error)
                else:
                    self.clock.time_s = max(self.clock.time_s, step.until)
        except StopIteration as stop:
            answered: Answered[str] = stop.value
            return answered

    def error(self, *, timeout_s: float = 10.0, direct: bool = False) -> TriptychError:
        """What a call ends with."""
        with pytest.raises(TriptychError) as caught:
            self.call(timeout_s=timeout_s, direct=direct)
        return caught.value

    @property
    def attempts(self) -> int:
        """Of the last call."""
        return len(self.sent)


def always(reply: Reply) -> Callable[[Endpoint, int], Reply]:
    return lambda _, __: reply


def at(**replies: Reply) -> Callable[[Endpoint, int], Reply]:
    return lambda endpoint, _: replies.get(endpoint.host, FINE)
