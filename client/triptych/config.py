"""How a client meets failure: frozen settings, checked when they are made. None switches a piece off."""

import math
from dataclasses import dataclass


def _positive(settings: object, *names: str) -> None:
    for name in names:
        value = getattr(settings, name)
        _require(0 < value < math.inf, f"{name} must be a positive number of seconds", value)


def _require(condition: bool, rule: str, value: object) -> None:
    if not condition:
        raise ValueError(f"{rule}, not {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Another attempt where it is safe and can help, as long as the budget lasts.

    Classification changes nothing at the server, so a request may be sent twice. Attempted again are requests that met
    no server, a full one, a connection that broke, and, once and at another server, one whose stub is dead.

        wait before attempt n + 1 = uniform(0, min(cap_s, base_s * 2^(n - 1)))      full jitter
        tokens = min(budget_burst, tokens + budget_ratio)   at each call; each retry and each hedge takes 1

    so that calls that all fail cost (1 + budget_ratio) attempts each once the burst is spent.
    A server that says when to come back (`grpc-retry-pushback-ms`, `Retry-After`) is not asked earlier: where no other
    server is ready, the call waits for that long instead. A negative pushback ends the call.
    """

    attempts: int = 4  # of one call: with two servers that restart in turn, the third finds one
    base_s: float = 0.05  # a few answers' time
    cap_s: float = 1.0
    budget_ratio: float = 0.1
    budget_burst: float = 100.0  # what is under way at once in one process when a server dies

    def __post_init__(self) -> None:
        _require(self.attempts >= 1, "attempts must be at least 1", self.attempts)
        _positive(self, "base_s", "cap_s")
        _require(0 <= self.budget_ratio <= 1, "budget_ratio must be 0 to 1", self.budget_ratio)
        _require(0 <= self.budget_burst < math.inf, "budget_burst must be 0 or more", self.budget_burst)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOff:
    """A server that cannot be reached, or whose stub is dead, rests; then one call at a time tries it.

    rest after the n-th failure in a row = uniform(1/2, 1) * min(cap_s, base_s * 2^(n - 1))

    Where every server rests, the one whose rest ends first is asked all the same.
    """

    base_s: float = 0.5
    cap_s: float = 15.0  # a server that is replaced is back in use this long after it is ready, at most

    def __post_init__(self) -> None:
        _positive(self, "base_s", "cap_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ejection:
    """A server that fails much more often than the others rests; the last one that is ready never does.

    It is an outlier where, of its last `window` answers within `horizon_s`, there are `least` or more (3 where it was
    one before), the failed share is `ratio` or more, and that is `factor` times the others' share or more.

        rest of the k-th ejection = min(cap_s, base_s * 2^(k - 1));  k starts anew after `cap_s` without one
    """

    window: int = 20
    horizon_s: float = 30.0
    least: int = 10  # fewer say nothing
    ratio: float = 0.5
    factor: float = 2.0
    base_s: float = 10.0
    cap_s: float = 300.0

    def __post_init__(self) -> None:
        _require(1 <= self.least <= self.window, "least must be 1 to window", self.least)
        _require(0 < self.ratio <= 1, "ratio must be above 0 and at most 1", self.ratio)
        _require(1 <= self.factor < math.inf, "factor must be 1 or more", self.factor)
        _positive(self, "horizon_s", "base_s", "cap_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """No call goes out while no server could serve any of the last ones.

    It opens after `failures` calls in a row that ended for want of a server: none reachable, or silent for `patience_s`
    or more. Open, it lets one call through every `open_s` and fails the others at once with `UnavailableError`; the
    first that is answered closes it, be it by an error. That a server is full says neither.
    """

    failures: int = 20
    open_s: float = 1.0
    patience_s: float = 1.0  # a shorter deadline says more about the caller than about the server

    def __post_init__(self) -> None:
        _require(self.failures >= 1, "failures must be at least 1", self.failures)
        _positive(self, "open_s", "patience_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keepalive:
    """A connection that swallows everything is found `time_s + timeout_s` after the last sign of life.

    Asked only while a call is under way. gRPC asks by HTTP/2 pings, at most twice without a byte sent in between, since
    servers count pings; over HTTP the kernel asks the other kernel.
    """

    time_s: float = 3.0  # an answer takes a tenth
    timeout_s: float = 2.0  # together half the usual deadline, so that another server can still answer

    def __post_init__(self) -> None:
        _positive(self, "time_s", "timeout_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedging:
    """A request not answered after `after_s` goes to another server as well; the first good answer counts.

    Each hedge takes a token of the retry budget; attempts are `Retry.attempts` at most in all. Where `Retry` is
    switched off there is one hedge, without a budget.
    """

    after_s: float  # the 95th percentile of answer times is a good choice

    def __post_init__(self) -> None:
        _positive(self, "after_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resilience:
    """What a client does about failure; every piece can be None, which switches it off.

    refresh_s: seconds after which a `dns:///` name is resolved again; after a failure a second is enough
    cancels:   whether a gRPC deadline may cancel the request at the server. Tritons before 2.57 can crash or hang on
               that, so None asks each server for its version and spares the older ones, and those that do not
               tell: the caller is released at the deadline all the same, and the answer, when it comes, is dropped.
    """

    retry: Retry | None = Retry()
    back_off: BackOff | None = BackOff()
    ejection: Ejection | None = Ejection()
    breaker: Breaker | None = Breaker()
    keepalive: Keepalive | None = Keepalive()
    hedging: Hedging | None = None
    refresh_s: float = 30.0
    cancels: bool | None = None

    def __post_init__(self) -> None:
        _positive(self, "refresh_s")

    @classmethod
    def off(cls) -> "Resilience":
        """One attempt, at the next server in turn; nothing is remembered."""
        return cls(retry=None, back_off=None, ejection=None, breaker=None, keepalive=None)
