"""Errors of gRPC -> errors of the SDK, in one place for both gRPC transports."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc

from ..endpoint import Endpoint
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
from .transport import InvalidArgumentError
from .wording import first_line, meaning

STATUSES: Mapping[str, Callable[[str], TriptychError]] = {
    "CANCELLED": ServerError,
    "UNKNOWN": ServerError,
    "INVALID_ARGUMENT": InvalidArgumentError,
    "DEADLINE_EXCEEDED": DeadlineExceededError,
    "NOT_FOUND": NotFoundError,
    "ALREADY_EXISTS": ServerError,
    "PERMISSION_DENIED": PermissionDeniedError,
    "RESOURCE_EXHAUSTED": OverloadedError,
    "FAILED_PRECONDITION": ServerError,
    "ABORTED": ServerError,
    "OUT_OF_RANGE": ServerError,
    "UNIMPLEMENTED": ProtocolError,
    "INTERNAL": ServerError,
    "UNAVAILABLE": UnavailableError,
    "DATA_LOSS": ServerError,
    "UNAUTHENTICATED": PermissionDeniedError,
}
"""Every status but OK."""

_MILLISECONDS = re.compile(r"[0-9]+")
_PUSHBACK = "grpc-retry-pushback-ms"
_CLOSED = "Channel closed"  # gRPC's words to a call whose own channel is closed
_UNREACHED = "failed to connect"


@contextmanager
def translated(endpoint: Endpoint, *, timeout_s: float) -> Iterator[None]:
    """Raise every failure of a call to `endpoint` as a `TriptychError`, its cause chained."""
    try:
        yield
    except (grpc.FutureTimeoutError, TimeoutError) as error:
        raise _late(endpoint, timeout_s) from error
    except (grpc.FutureCancelledError, ValueError, grpc.RpcError) as error:
        if isinstance(error, grpc.RpcError) and not _is_closed(error):
            raise _error(error, endpoint, timeout_s) from error
        raise UnavailableError(f"this client was closed; make another ({first_line(str(error))})") from error


def _error(error: Any, endpoint: Endpoint, timeout_s: float) -> TriptychError:
    status, words = error.code().name, error.details() or ""
    kind = meaning(words) or STATUSES[status]
    if kind is InvalidArgumentError:
        return InvalidArgumentError(words)  # whole: it has a line an image
    if kind is DeadlineExceededError:
        translation: TriptychError = _late(endpoint, timeout_s)
    elif kind is UnavailableError and _UNREACHED in words:
        translation = UnavailableError(f"no gRPC server answers at {endpoint}; is it running? ({first_line(words)})")
    elif kind is UnavailableError:
        translation = UnavailableError(f"the connection to {endpoint} broke, or it is stopping: {first_line(words)}")
    else:
        translation = kind(f"{endpoint}: {first_line(words)}")
    translation.retry_after_s = _pushback_s(error.trailing_metadata())
    return translation


def _late(endpoint: Endpoint, timeout_s: float) -> DeadlineExceededError:
    return DeadlineExceededError(f"{endpoint} did not answer within {timeout_s:g} s")


def _is_closed(error: Any) -> bool:
    return error.code() is grpc.StatusCode.CANCELLED and _CLOSED in (error.details() or "")


def _pushback_s(metadata: Any) -> float | None:
    """What `grpc-retry-pushback-ms` says; what is negative or no number means never.

    Source: https://github.com/grpc/proposal/blob/master/A6-client-retries.md#pushback
    """
    values = [value for key, value in metadata or () if key == _PUSHBACK]
    if not values:
        return None
    return float(values[0]) / 1000 if _MILLISECONDS.fullmatch(str(values[0])) else float("inf")
