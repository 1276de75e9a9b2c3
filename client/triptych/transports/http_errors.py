"""Errors of sockets and statuses of HTTP -> errors of the SDK, in one place for both HTTP transports."""

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime

from ..endpoint import Endpoint
from ..errors import (
    DeadlineExceededError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    ProtocolError,
    ServerError,
    TooLargeError,
    TriptychError,
    UnavailableError,
)
from . import http_codec
from .http1 import Answer, NotHttpError, StatusError
from .transport import InvalidArgumentError
from .wording import first_line, meaning

STATUSES: Mapping[int, Callable[[str], TriptychError]] = {
    400: InvalidArgumentError,
    401: PermissionDeniedError,
    403: PermissionDeniedError,
    404: NotFoundError,
    413: TooLargeError,
    429: OverloadedError,
    502: UnavailableError,
    503: UnavailableError,
    504: DeadlineExceededError,
}
"""Every other status of 5xx is a ServerError, and what is neither that nor 200 a ProtocolError."""


class ClosedError(Exception):
    """The transport was closed."""


class NotConnectedError(OSError):
    """No connection could be made; its cause says why."""


FAILURES: Mapping[type[Exception], Callable[[str], TriptychError]] = {
    TimeoutError: DeadlineExceededError,
    ssl.SSLCertVerificationError: ProtocolError,
    ssl.SSLError: UnavailableError,
    socket.gaierror: UnavailableError,
    NotConnectedError: UnavailableError,
    OSError: UnavailableError,
    NotHttpError: ProtocolError,
    ClosedError: UnavailableError,
}
"""The first that fits: everything that an exchange raises."""

_WORDS: Mapping[type[Exception], str] = {
    TimeoutError: "{endpoint} did not answer within {timeout_s:g} s",
    ssl.SSLCertVerificationError: "the certificate of {endpoint} is not trusted: {error}",
    NotConnectedError: "no HTTP server answers at {endpoint}; is it running? ({error})",
    socket.gaierror: "the name of {endpoint} cannot be resolved: {error}",
    NotHttpError: "{endpoint} does not speak HTTP; is this the port of another protocol? ({error})",
    ClosedError: "this client was closed; make another",
}
_SECONDS = re.compile(r"[0-9]+")
_BROKE = "the connection to {endpoint} broke: {error}"


@contextmanager
def translated(endpoint: Endpoint, *, timeout_s: float) -> Iterator[None]:
    """Raise every failure of an exchange with `endpoint` as a `TriptychError`, its cause chained."""
    try:
        yield
    except tuple(FAILURES) as error:
        kind = next(kind for kind in FAILURES if isinstance(error, kind))
        if kind is TimeoutError and getattr(error, "errno", None) is not None:
            kind = OSError  # the kernel's own: it has found the other end gone, before the deadline
        words = _WORDS.get(kind, _BROKE)
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise FAILURES[kind](words.format(endpoint=endpoint, timeout_s=timeout_s, error=reason)) from error


def check(answer: Answer, endpoint: Endpoint) -> None:
    """Raise what an answer that is not 200 means."""
    if answer.status != 200:
        raise _error(answer, endpoint) from StatusError(answer.status)


def _error(answer: Answer, endpoint: Endpoint) -> TriptychError:
    status, words = answer.status, _message(answer.body)
    kind = meaning(words) or STATUSES.get(status) or (ServerError if status >= 500 else ProtocolError)
    if kind is InvalidArgumentError:
        return InvalidArgumentError(words or answer.reason or "no message")  # whole: it has a line an image
    after_s = _retry_after_s(answer.headers.get("Retry-After"), now=time.time())
    if kind is UnavailableError and status == 503 and (after_s is not None or "x-envoy-overloaded" in answer.headers):
        kind = OverloadedError
    error = kind(f"{endpoint}: HTTP {status}: {first_line(words or answer.reason or 'no message')}")
    error.retry_after_s = after_s
    return error


def _retry_after_s(value: str | None, *, now: float) -> float | None:
    """Seconds, or the time since the epoch that a date names less `now`; None where it says neither."""
    if value is None:
        return None
    if _SECONDS.fullmatch(value.strip(" \t")):
        return float(value)  # infinite where it has hundreds of digits
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _message(body: bytes) -> str:
    """Triton's `{"error": …}`; nothing of another server's page."""
    try:
        return str(http_codec.small_json(body)["error"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
