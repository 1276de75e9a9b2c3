"""The course of a call: what goes where and when, and what its end means. No I/O. Its steps are in `course.py`."""

import copy
import logging
import random as randomness
import threading
import time
from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import dataclass
from typing import Generic

from .. import forks
from ..config import Resilience
from ..endpoint import Endpoint
from ..errors import DeadlineExceededError, OverloadedError, ServerError, TriptychError, UnavailableError
from .balancing import Balancer
from .breaker import Circuit
from .course import Answered, Attempt, Course, Ended, Response, Start, Step, Wait
from .resolving import Names
from .retry import Again, Budget, Sign, treatment, wait_s

_LOG = logging.getLogger("triptych")
_RESOLVING_S = 0.005  # between two looks at whether a name has been resolved, once in a client's life


@dataclass(frozen=True, slots=True)
class Standing:
    """How the servers of a client stand; `ejections` is how many there were in all."""

    servers: int
    resting: int
    ejections: int
    circuit_open: bool


class Service:
    """What all calls of a client share: servers, budget, circuit. Thread-safe.

    clock:  seconds, monotonic
    random: uniform in [0, 1)
    names:  made of (endpoints, changed); resolves `dns:///`
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        policy: Resilience,
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = randomness.random,
        names: Callable[..., Names] = Names,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._random = random
        self._shared = _Shared(endpoints, policy, random=random, names=names)
        self._own_budget: Budget | None = None  # of a view whose client has none

    @property
    def hedges(self) -> bool:
        """Whether several attempts of a call can be under way at once."""
        return self._policy.hedging is not None

    @property
    def renames(self) -> bool:
        """Whether the servers can change."""
        return self._names.dynamic

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The servers that are known now."""
        return self._balancer.endpoints

    @property
    def _lock(self) -> threading.Lock:
        return self._shared.lock

    @property
    def _balancer(self) -> Balancer:
        return self._shared.balancer

    @property
    def _budget(self) -> Budget | None:
        return self._shared.budget or self._own_budget

    @property
    def _circuit(self) -> Circuit | None:
        return self._shared.circuit

    @property
    def _names(self) -> Names:
        return self._shared.names

    def standing(self) -> Standing:
        """How the servers stand now."""
        with self._lock:
            balancer, circuit_open = self._balancer, self._circuit is not None and self._circuit.is_open
            resting = balancer.resting(self._clock())
            return Standing(len(balancer.endpoints), resting, balancer.ejections, circuit_open)

    def call(self, *, timeout_s: float, direct: bool = False) -> Course[Response]:
        """The course of one call, which ends within `timeout_s`.

        direct: one attempt, whatever the circuit says; what comes of it is remembered

        Raises:
            TriptychError: what the last attempt ended with, or no attempt was to be made.
        """
        begun = self._clock()
        self._names.refresh(begun)
        if not direct:
            self._admit(begun)
        while self._names.dynamic and not self._balancer.endpoints:
            self._check_resolving(begun, timeout_s)
            yield Wait(self._clock() + _RESOLVING_S)
        call: _Call[Response] = _Call(self, begun, timeout_s, direct=direct)
        try:
            answered: Answered[Response] = yield from call.course()
        except TriptychError as error:
            error.attempts = len(call.tried)
            if call.tried and error.endpoint is None:
                error.endpoint = str(call.tried[-1])
            self._note(error, timeout_s)
            raise
        self._note(None, timeout_s)
        return answered

    def under(self, policy: Resilience) -> "Service":
        """What this one knows of its servers, its budget and its circuit, under another `retry` and `hedging`.

        A budget of its own it has only where this one has none.
        """
        view = copy.copy(self)
        view._policy = policy
        if policy.retry is not None and self._budget is None:
            view._own_budget = Budget(policy.retry)
        return view

    def pick(self, now: float, tried: Collection[Endpoint], *, avoided: Endpoint | None) -> Endpoint:
        """The server of the next attempt, as `Balancer.pick` chooses it."""
        with self._lock:
            return self._balancer.pick(now, tried, avoided=avoided)

    def ended(
        self, attempt: Attempt, *, response: Response | None = None, error: TriptychError | None = None
    ) -> Ended[Response]:
        """An attempt has ended, whether or not its call still waits for it; what this says of the server is kept."""
        sign = treatment(error).sign if error else Sign.WELL
        now = self._clock()
        with self._lock:
            after_s = error.retry_after_s if error else None
            balancer, ejections = self._balancer, self._balancer.ejections
            balancer.report(attempt.endpoint, sign, began=attempt.began, now=now, retry_after_s=after_s)
            ejected = balancer.ejections > ejections
        if ejected:
            _LOG.debug("ejected %s, which fails much more often than the other servers: %s", attempt.endpoint, error)
        if sign is Sign.GONE:
            self._names.refresh(now, failed=True)
        return Ended(attempt, response, error)

    def retry_in_s(
        self, error: TriptychError, tried: Sequence[Endpoint], *, deadline: float, moved: bool
    ) -> float | None:
        """Seconds before another attempt, for which a token was taken; None where there is to be none.

        moved: the call was sent elsewhere once
        """
        policy, again = self._policy.retry, treatment(error).again
        if policy is None or len(tried) >= policy.attempts or again is Again.NEVER:
            return None
        now = self._clock()
        with self._lock:
            if again is Again.ELSEWHERE and (moved or not self._balancer.has_other(tried)):
                return None
            seconds = wait_s(policy, failed=len(tried), share=self._random())
            asked_s = error.retry_after_s
            if asked_s is not None and (asked_s == float("inf") or not self._balancer.has_other(tried, ready_at=now)):
                seconds = asked_s
            return seconds if now + seconds < deadline and self._budget and self._budget.withdraw() else None

    def hedge_in_s(self, attempts: int) -> float | None:
        """Seconds after which a silent attempt is hedged; None where it is not to be."""
        most = self._policy.retry.attempts if self._policy.retry else 2
        return self._policy.hedging.after_s if self._policy.hedging and attempts < most else None

    def take_hedge(self) -> bool:
        """Take the token of a hedge."""
        with self._lock:
            return self._budget is None or self._budget.withdraw()

    def now(self) -> float:
        """What the clock says."""
        return self._clock()

    def _admit(self, now: float) -> None:
        with self._lock:
            refused_s = self._circuit.refused_for_s(now) if self._circuit else 0.0
            if self._budget and not refused_s:
                self._budget.deposit()
        if refused_s:
            servers = ", ".join(map(str, self.endpoints))
            message = f"no server could serve the last calls ({servers}); asked again in {refused_s:.1f} s"
            raise UnavailableError(message, retry_after_s=refused_s)

    def _check_resolving(self, begun: float, timeout_s: float) -> None:
        if self._names.error:
            raise UnavailableError(f"the name cannot be resolved: {self._names.error}") from self._names.error
        if self._clock() - begun >= timeout_s:
            raise DeadlineExceededError(f"the name was not resolved within {timeout_s:g} s")

    def _note(self, error: TriptychError | None, timeout_s: float) -> None:
        if self._circuit is None or self._policy.breaker is None or isinstance(error, OverloadedError):
            return
        late = isinstance(error, DeadlineExceededError)
        dead = isinstance(error, UnavailableError) or (isinstance(error, ServerError) and error.lasting)
        with self._lock:
            if dead or (late and timeout_s >= self._policy.breaker.patience_s):
                self._circuit.failed(self._clock())
            elif not late:
                self._circuit.answered()


class _Shared:
    """What a client and its views know together; a child process of this one begins anew."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        policy: Resilience,
        *,
        random: Callable[[], float],
        names: Callable[..., Names],
    ) -> None:
        self._endpoints = endpoints
        self._policy = policy
        self._random = random
        self._make_names = names
        self._begin()
        forks.register(self)

    def after_fork(self) -> None:
        """Begin anew: locks may be held, a look-up has no thread, and the servers may be asked by many children."""
        self._begin()

    def _begin(self) -> None:
        policy, endpoints = self._policy, self._endpoints
        self.lock = threading.Lock()
        self.balancer = Balancer([each for each in endpoints if not each.resolved], policy, random=self._random)
        self.budget = Budget(policy.retry) if policy.retry else None
        self.circuit = Circuit(policy.breaker) if policy.breaker else None
        self.names = self._make_names(endpoints, self._replace, refresh_s=policy.refresh_s)

    def _replace(self, endpoints: Sequence[Endpoint]) -> None:
        with self.lock:
            if endpoints:
                self.balancer.replace(endpoints)


class _Call(Generic[Response]):
    """One call under way."""

    def __init__(self, service: Service, begun: float, timeout_s: float, *, direct: bool) -> None:
        self._service = service
        self._begun = begun
        self._timeout_s = timeout_s
        self._deadline = begun + timeout_s
        self._direct = direct
        self.tried: list[Endpoint] = []
        self._under_way = 0
        self._left: Endpoint | None = None  # the server that another was asked for in its place

    def course(self) -> Course[Response]:
        now = self._begun
        while True:
            yield self._start(now)
            hedge_in_s = None if self._direct else self._service.hedge_in_s(len(self.tried))
            ended = yield Wait(self._deadline if hedge_in_s is None else min(self._deadline, now + hedge_in_s))
            while ended is None or (ended.error and self._under_way > 1):
                if ended is None:
                    now = self._service.now()
                    if now >= self._deadline:
                        raise self._late()
                    if hedge_in_s is not None and self._service.take_hedge():
                        _LOG.debug("no answer from %s within %g s; hedging", self.tried[-1], hedge_in_s)
                        break
                else:
                    self._under_way -= 1
                ended = yield Wait(self._deadline)
            if ended is None:
                continue
            self._under_way -= 1
            if ended.error is None:
                assert ended.response is not None  # noqa: S101  for the type checker
                return Answered(ended.response, ended.attempt.endpoint, len(self.tried))
            try:
                now = yield from self._pause(ended.error, ended.attempt.endpoint)
            finally:
                del ended  # or it and the error's traceback would keep each other, and with them the sockets of a call

    def _start(self, now: float) -> Start:
        endpoint = self._service.pick(now, self.tried, avoided=self._left)
        self.tried.append(endpoint)
        self._under_way += 1
        return Start(Attempt(len(self.tried), endpoint, now, self._timeout_s - (now - self._begun)))

    def _pause(self, error: TriptychError, server: Endpoint) -> Generator[Step, Ended[Response] | None, float]:
        """Wait before the next attempt, after one at this server, and give the time then.

        Raises:
            TriptychError: there is to be none.
        """
        service, moved = self._service, self._left is not None
        try:
            if isinstance(error, DeadlineExceededError) and len(self.tried) > 1:
                raise self._late() from error
            if self._direct:
                raise error
            seconds = service.retry_in_s(error, self.tried, deadline=self._deadline, moved=moved)
            if seconds is None:
                raise error
            if _LOG.isEnabledFor(logging.DEBUG):
                _LOG.debug("attempt %d failed; the next one follows in %.3f s: %s", len(self.tried), seconds, error)
            if treatment(error).again is Again.ELSEWHERE:
                self._left = server
        finally:
            del error  # as in `course`
        until = service.now() + seconds
        while (now := service.now()) < until:
            yield Wait(until)
        return now

    def _late(self) -> DeadlineExceededError:
        servers = ", ".join(dict.fromkeys(map(str, self.tried)))
        attempts = f", {len(self.tried)} attempts" if len(self.tried) > 1 else ""
        return DeadlineExceededError(f"{servers} did not answer within {self._timeout_s:g} s{attempts}")
