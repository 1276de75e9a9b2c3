import asyncio
from collections.abc import Sequence
from math import inf
from typing import Any

import grpc
import pytest

from triptych import (
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
from triptych.endpoint import Endpoint
from triptych.transports.grpc_errors import STATUSES, translated
from triptych.transports.transport import InvalidArgumentError

SERVER = Endpoint.from_url("grpc://server:1")


class Failed(grpc.RpcError):  # type: ignore[misc]  # of a library without types
    """How a call ended."""

    def __init__(self, code: grpc.StatusCode, details: str = "words", metadata: Sequence[tuple[str, Any]] = ()) -> None:
        super().__init__()
        self._end = code, details, metadata

    def code(self) -> grpc.StatusCode:
        return self._end[0]

    def details(self) -> str:
        return self._end[1]

    def trailing_metadata(self) -> Sequence[tuple[str, Any]]:
        return self._end[2]


def translation(error: BaseException) -> TriptychError:
    with pytest.raises(TriptychError) as caught, translated(SERVER, timeout_s=2.5):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


def test_every_status_of_grpc_but_ok_is_in_the_table() -> None:
    assert set(STATUSES) == {code.name for code in grpc.StatusCode} - {"OK"}
    assert len(STATUSES) == 16


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code.name != "OK"], ids=lambda code: code.name)
def test_every_status_is_an_error_of_ours(code: grpc.StatusCode) -> None:
    error = translation(Failed(code))
    assert type(error) is STATUSES[code.name]
    if not isinstance(error, InvalidArgumentError):
        assert str(SERVER) in str(error)
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (Failed(grpc.StatusCode.DEADLINE_EXCEEDED), DeadlineExceededError, "did not answer within 2.5 s"),
        (grpc.FutureTimeoutError(), DeadlineExceededError, "did not answer within 2.5 s"),
        (TimeoutError(), DeadlineExceededError, "did not answer within 2.5 s"),
        (Failed(grpc.StatusCode.UNAVAILABLE, "failed to connect to all addresses"), UnavailableError, "is it running?"),
        (Failed(grpc.StatusCode.UNAVAILABLE, "Socket closed"), UnavailableError, "broke, or it is stopping"),
        (Failed(grpc.StatusCode.CANCELLED, "Channel closed!"), UnavailableError, "this client was closed"),
        (Failed(grpc.StatusCode.CANCELLED, "by the edge"), ServerError, "by the edge"),
        (grpc.FutureCancelledError(), UnavailableError, "this client was closed"),
        (ValueError("Cannot invoke RPC on closed channel!"), UnavailableError, "this client was closed"),
        (Failed(grpc.StatusCode.UNAVAILABLE, "Exceeds maximum queue size"), OverloadedError, "queue size"),
        (Failed(grpc.StatusCode.RESOURCE_EXHAUSTED, "Sent message larger than max (9 vs. 4)"), TooLargeError, "9 vs"),
        (Failed(grpc.StatusCode.NOT_FOUND, "no model"), NotFoundError, "no model"),
        (Failed(grpc.StatusCode.UNAUTHENTICATED, "who?"), PermissionDeniedError, "who?"),
        (Failed(grpc.StatusCode.UNIMPLEMENTED, ""), ProtocolError, "gave no reason"),
    ],
    ids=lambda each: None if isinstance(each, type | str) else f"{type(each).__name__} {each}",
)
def test_words_say_what_happened(error: BaseException, kind: type[TriptychError], words: str) -> None:
    found = translation(error)
    assert type(found) is kind
    assert words in str(found)


def test_a_dead_stub_is_a_lasting_failure() -> None:
    error = translation(Failed(grpc.StatusCode.INTERNAL, "Stub process 'x' is not healthy."))
    assert isinstance(error, ServerError)
    assert error.lasting


def test_what_is_said_of_the_images_is_kept_whole() -> None:
    words = "in ensemble, [0] empty_image: 0 bytes\n[1] empty_image: 0 bytes"
    error = translation(Failed(grpc.StatusCode.INVALID_ARGUMENT, words))
    assert (type(error), str(error)) == (InvalidArgumentError, words)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("1500", 1.5),
        ("-1", inf),
        ("soon", inf),
        ("", inf),
        ("1.5", inf),
        (b"\xff", inf),
        ("9" * 5000, inf),
        ("٣", inf),
    ],
    ids=lambda value: str(value)[:9],
)
def test_pushback(value: Any, seconds: float | None) -> None:
    metadata = [("other", "7")] + ([("grpc-retry-pushback-ms", value)] if value is not None else [])
    for code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED):
        assert translation(Failed(code, "words", metadata)).retry_after_s == seconds


@pytest.mark.parametrize("error", [KeyError("ours"), asyncio.CancelledError()])
def test_what_is_no_failure_of_a_call_passes(error: BaseException) -> None:
    with pytest.raises(type(error)), translated(SERVER, timeout_s=1.0):
        raise error


TRACEBACK = 'it failed: Traceback (most recent call last):\n  File "/models/model.py", line 3\nKeyError: 7'
SHARED = "Unable to open shared memory region: 'secret'"


@pytest.mark.parametrize("name", sorted(STATUSES.keys() - {"INVALID_ARGUMENT"}))
def test_no_message_has_a_traceback_or_a_region(name: str) -> None:
    for words in (TRACEBACK, SHARED):
        message = str(translation(Failed(grpc.StatusCode[name], words)))
        assert not any(secret in message for secret in ("Traceback", "/models", "KeyError", "secret"))
