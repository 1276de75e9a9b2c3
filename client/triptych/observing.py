"""Who watches a client's calls: traces, metrics, or whatever else keeps this protocol. Pure.

`triptych.otel` and `triptych.prometheus` have an `Observer` each. Several may watch one client. One that fails is
logged, and never fails a call.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

from . import contract
from .errors import ImageError
from .resilience.calling import Standing
from .resilience.course import Attempt
from .transports.headers import NO_HEADERS, checked
from .transports.transport import InferRequest

Value = TypeVar("Value")

_LOG = logging.getLogger("triptych")
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Call:
    """What is known of a call when it begins.

    operation:  `classify`, `embed` or `health`
    timeout_s:  what it may take, retries and all
    body_bytes: of all of its images
    """

    operation: str
    request_id: str
    images: int
    body_bytes: int
    timeout_s: float


class WatchedAttempt(Protocol):
    """One request to one server."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Go with the request: `traceparent`, for one."""

    def end(self, error: BaseException | None) -> None:
        """It was answered, or failed; of a hedge that lost maybe after its call."""


class WatchedCall(Protocol):
    """One call under way."""

    def attempt(self, attempt: Attempt) -> WatchedAttempt:
        """An attempt begins, in the thread or the task that sends it."""

    def end(self, error: BaseException | None, standing: Standing) -> None:
        """It was answered, or failed; and how the servers stand now."""


class Observer(Protocol):
    """Is told of every call of a client. Thread-safe; each method returns at once."""

    def begin(self, call: Call) -> WatchedCall:
        """A call begins, in the caller's thread or task."""


@runtime_checkable
class ImageObserver(Observer, Protocol):
    """An observer that is also told of the images that could not be classified, by the server or before a request."""

    def images_failed(self, operation: str, errors: Sequence[ImageError]) -> None:
        """These images of one request failed; `operation` as of `Call`."""


def operation_of(outputs: Collection[str], *, direct: bool) -> str:
    """Return the operation of a call for these outputs; a health check is sent `direct`, without retries."""
    return "health" if direct else "embed" if contract.EMBEDDING in outputs else "classify"


def outcome(error: BaseException | None) -> str:
    """One word for how a call or an attempt ended: `ok`, `cancelled`, `unavailable`, `deadline_exceeded` and so on."""
    if error is None:
        return "ok"
    if isinstance(error, asyncio.CancelledError):
        return "cancelled"
    return _WORDS.sub("_", type(error).__name__.removesuffix("Error")).lower()


def status(error: BaseException | None) -> int | None:
    """The number of the HTTP or gRPC status behind an error; None where no server gave one."""
    cause = error.__cause__ if error else None
    code = getattr(cause, "code", None)
    number = code().value[0] if callable(code) else getattr(cause, "status", None)
    return number if isinstance(number, int) else None


class Observers:
    """All that watch one client, as one."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)
        self._of_images = tuple(each for each in observers if isinstance(each, ImageObserver))

    def images(self, operation: str, results: Sequence[object]) -> None:
        """Tell of the errors among the results of one request."""
        if not self._of_images:
            return
        errors = [each for each in results if isinstance(each, ImageError)]
        for observer in self._of_images if errors else ():
            _safely(observer.images_failed, operation, errors)

    def call(
        self, request: InferRequest, standing: Callable[[], Standing], *, direct: bool
    ) -> "AbstractContextManager[Watching]":
        """Tell of a call, from its beginning to its end."""
        return self._watched(request, standing, direct=direct) if self._observers else _NOBODY

    @contextmanager
    def _watched(
        self, request: InferRequest, standing: Callable[[], Standing], *, direct: bool
    ) -> "Iterator[Watching]":
        operation = operation_of(request.outputs, direct=direct)
        body_bytes = sum(map(len, request.images))
        call = Call(operation, request.request_id, len(request.images), body_bytes, request.timeout_s)
        begun = [_safely(observer.begin, call) for observer in self._observers]
        watched = [each for each in begun if each is not None]
        error: BaseException | None = None
        try:
            yield Watching(watched)
        except BaseException as failure:
            error = failure
            raise
        finally:
            for each in watched:
                _safely(each.end, error, standing())


class Watching:
    """One call under way."""

    def __init__(self, watched: Sequence[WatchedCall]) -> None:
        self._watched = watched

    def attempt(self, attempt: Attempt) -> AbstractContextManager[Mapping[str, str]]:
        """Tell of an attempt, from its beginning to its end; the headers that go with it."""
        return self._told(attempt) if self._watched else _NO_MORE

    @contextmanager
    def _told(self, attempt: Attempt) -> Iterator[Mapping[str, str]]:
        begun = [_safely(each.attempt, attempt) for each in self._watched]
        watched = [each for each in begun if each is not None]
        error: BaseException | None = None
        try:
            yield {name: value for each in watched for name, value in (_safely(_headers, each) or NO_HEADERS).items()}
        except BaseException as failure:
            error = failure
            raise
        finally:
            for each in watched:
                _safely(each.end, error)


_NOBODY = nullcontext(Watching(()))
_NO_MORE = nullcontext(NO_HEADERS)


def _headers(attempt: WatchedAttempt) -> Mapping[str, str]:
    return checked(attempt.headers)


def _safely(function: Callable[..., Value], *arguments: object) -> Value | None:
    try:
        return function(*arguments)
    except Exception:
        _LOG.exception("an observer of calls failed")
        return None
