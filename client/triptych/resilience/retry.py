"""Which failures are attempted again, how soon, and how often in all. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from ..config import Retry
from ..errors import (
    DeadlineExceededError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    ProtocolError,
    ServerError,
    TriptychError,
    UnavailableError,
)


class Again(Enum):
    """Where another attempt is safe and can help."""

    NEVER = auto()
    ANYWHERE = auto()
    ELSEWHERE = auto()
    """Once, and at another server only: an image that kills a stub must not kill them all."""


class Sign(Enum):
    """What the end of an attempt says about the server."""

    WELL = auto()
    BUSY = auto()
    FAULTY = auto()
    """It answered, and badly, or not in time."""
    GONE = auto()
    """It cannot serve: unreachable, or a part of it is dead."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """What follows from a failure."""

    again: Again
    sign: Sign


_LASTING: Final = Treatment(Again.ELSEWHERE, Sign.GONE)
_ANSWERED: Final = Treatment(Again.NEVER, Sign.WELL)

_TREATMENTS: Mapping[type[TriptychError], Treatment] = {
    UnavailableError: Treatment(Again.ANYWHERE, Sign.GONE),
    OverloadedError: Treatment(Again.ANYWHERE, Sign.BUSY),
    DeadlineExceededError: Treatment(Again.NEVER, Sign.FAULTY),
    ServerError: Treatment(Again.NEVER, Sign.FAULTY),
    # A Triton that stops unloads its models before it closes its ports.
    NotFoundError: Treatment(Again.ELSEWHERE, Sign.GONE),
    # One of several servers that was set up wrongly: the others do better.
    PermissionDeniedError: Treatment(Again.NEVER, Sign.FAULTY),
    ProtocolError: Treatment(Again.NEVER, Sign.FAULTY),
}
"""Every other error is the request's own, and the server is well."""


def treatment(error: TriptychError) -> Treatment:
    """What follows from `error`, which a transport raised."""
    if isinstance(error, ServerError) and error.lasting:
        return _LASTING
    return _TREATMENTS.get(type(error), _ANSWERED)


def wait_s(policy: Retry, *, failed: int, share: float) -> float:
    """Seconds before the next attempt after `failed` of them; `share` is uniform in [0, 1).

    share * min(cap_s, base_s * 2^(failed - 1))
    """
    exponent = min(failed - 1, 60)  # beyond, the cap holds for certain
    return share * min(policy.cap_s, policy.base_s * 2.0**exponent)


class Budget:
    """The tokens that retries and hedges take, so that an outage is not made worse.

    tokens = min(budget_burst, tokens + budget_ratio) at each call
    """

    def __init__(self, policy: Retry) -> None:
        self._policy = policy
        self._tokens = policy.budget_burst

    def deposit(self) -> None:
        """A call begins."""
        self._tokens = min(self._policy.budget_burst, self._tokens + self._policy.budget_ratio)

    def withdraw(self) -> bool:
        """Take a token for one more attempt; False where none is left."""
        if self._tokens < 1 - 1e-9:  # ten times 0.1 is a whole one
            return False
        self._tokens -= 1
        return True
