"""The steps of a call, as whoever drives it carries them out: plain data.

A course is a generator. It yields steps and is sent what came of them, so that the synchronous client, the asynchronous
one and a test without a clock decide alike:

    Start(attempt)  send the attempt, and go on at once or when it has ended            is sent None
    Wait(until)     until an attempt ends, or the clock says so                         is sent the Ended, or None

Whoever sends an attempt makes its Ended with `Service.ended`, also where the course no longer waits for it.
"""

from collections.abc import Generator
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from ..endpoint import Endpoint
from ..errors import TriptychError

Response = TypeVar("Response")


class Attempt(NamedTuple):
    """One request to one server; `timeout_s` is what is left of the call's time."""

    number: int
    endpoint: Endpoint
    began: float
    timeout_s: float


class Start(NamedTuple):
    """Send this attempt."""

    attempt: Attempt


class Wait(NamedTuple):
    """Until an attempt ends, at most until the clock says `until`."""

    until: float


class Ended(NamedTuple, Generic[Response]):
    """An attempt's response or error."""

    attempt: Attempt
    response: Response | None
    error: TriptychError | None


class Answered(NamedTuple, Generic[Response]):
    """How a call ended well: the response, who gave it, and after how many attempts in all."""

    response: Response
    endpoint: Endpoint
    attempts: int


Step: TypeAlias = Start | Wait
Course: TypeAlias = Generator[Step, Ended[Response] | None, Answered[Response]]
