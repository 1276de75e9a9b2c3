import errno
import socket
import ssl
import time
from email.utils import formatdate
from math import inf

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
from triptych.transports.http1 import Answer, EndedEarlyError, Headers, NotHttpError, StatusError
from triptych.transports.http_errors import STATUSES, ClosedError, NotConnectedError, check, translated
from triptych.transports.transport import InvalidArgumentError

SERVER = Endpoint.from_url("http://server:1")
PAGE = b"<html>"


def answer(status: int, body: bytes = b'{"error": "words"}', **headers: str) -> Answer:
    fields = [(name.replace("_", "-").lower(), value) for name, value in headers.items()]
    return Answer(status, "Reason", Headers(fields), body, reusable=True)


def failure(status: int, body: bytes = b'{"error": "words"}', **headers: str) -> TriptychError:
    with pytest.raises(TriptychError) as caught:
        check(answer(status, body, **headers), SERVER)
    assert isinstance(caught.value.__cause__, StatusError)
    assert caught.value.__cause__.status == status
    return caught.value


def translation(error: Exception) -> TriptychError:
    with pytest.raises(TriptychError) as caught, translated(SERVER, timeout_s=2.5):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


def test_only_200_is_no_error() -> None:
    check(answer(200), SERVER)


def test_every_other_status_is_an_error_of_ours() -> None:
    for status in {*range(100, 600)} - {200}:
        error = failure(status)
        assert type(error) is STATUSES.get(status, ServerError if status >= 500 else ProtocolError)
        assert str(error) == ("words" if status == 400 else f"{SERVER}: HTTP {status}: words")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (201, ProtocolError),
        (301, ProtocolError),
        (400, InvalidArgumentError),
        (401, PermissionDeniedError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (408, ProtocolError),
        (413, TooLargeError),
        (429, OverloadedError),
        (500, ServerError),
        (501, ServerError),
        (502, UnavailableError),
        (503, UnavailableError),
        (504, DeadlineExceededError),
        (599, ServerError),
        (600, ServerError),
        (999, ServerError),
    ],
)
def test_what_a_status_means(status: int, kind: type[TriptychError]) -> None:
    assert type(failure(status)) is kind


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({}, UnavailableError),
        ({"Retry_After": "1"}, OverloadedError),
        ({"Retry_After": "never"}, UnavailableError),
        ({"x_envoy_overloaded": "true"}, OverloadedError),
    ],
)
def test_a_503_that_names_a_time_is_of_a_server_that_is_full(
    headers: dict[str, str], kind: type[TriptychError]
) -> None:
    assert type(failure(503, PAGE, **headers)) is kind


@pytest.mark.parametrize("status", [400, 429, 500, 503])
def test_words_say_more_than_the_status(status: int) -> None:
    stub = failure(status, b'{"error": "Stub process \'x\' is not healthy."}')
    assert isinstance(stub, ServerError)
    assert stub.lasting
    assert isinstance(failure(status, b'{"error": "Exceeds maximum queue size"}'), OverloadedError)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("9" * 400, inf),
        ("-1", None),
        ("1.5", None),
        ("", None),
        ("soon", None),
        ("\xb2", None),
        ("٣", None),
        ("7\x1e", None),
        ("9" * 5000, inf),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 +999999999999", None),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
        ("Wed, 21 Oct 0001 07:28:00 -0000", None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    found = failure(429, Retry_After=value).retry_after_s
    assert found == seconds if seconds is not None else not found


def test_retry_after_a_date() -> None:
    seconds = failure(503, Retry_After=formatdate(time.time() + 100, usegmt=True)).retry_after_s
    assert seconds is not None
    assert 98 <= seconds <= 100


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b"7", b"null", b'"words"', b"\xff", b"[" * 100_000],
    ids=lambda body: repr(body[:8]),
)
def test_nothing_of_another_server_s_page_is_shown(body: bytes) -> None:
    assert str(failure(500, body)) == f"{SERVER}: HTTP 500: Reason"
    assert str(failure(400, body)) == "Reason"


@pytest.mark.parametrize("status", [401, 404, 413, 429, 500, 502, 503, 504, 302])
def test_no_message_has_a_traceback_or_a_region(status: int) -> None:
    traceback = rb'{"error": "Traceback (most recent call last):\n  File \"/models/model.py\", line 3"}'
    region = b'{"error": "Unable to open shared memory region: \'secret\'"}'
    for body in (traceback, region):
        message = str(failure(status, body))
        assert not any(secret in message for secret in ("Traceback", "/models", "secret"))


def test_what_is_said_of_the_images_is_kept_whole() -> None:
    assert str(failure(400, rb'{"error": "[0] empty_image: a\n[1] empty_image: b"}')).count("\n") == 1


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (TimeoutError("timed out"), DeadlineExceededError, "did not answer within 2.5 s"),
        (OSError(errno.ETIMEDOUT, "Connection timed out"), UnavailableError, "broke: Connection timed out"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), UnavailableError, "broke: No route to host"),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), UnavailableError, "broke: Connection"),
        (BrokenPipeError(), UnavailableError, "broke: BrokenPipeError"),
        (EndedEarlyError("the server closed it"), UnavailableError, "broke: the server closed it"),
        (NotConnectedError("Connection refused"), UnavailableError, "is it running? (Connection refused)"),
        (socket.gaierror(socket.EAI_NONAME, "Name not known"), UnavailableError, "cannot be resolved: Name not known"),
        (ssl.SSLCertVerificationError("self-signed"), ProtocolError, "not trusted"),
        (ssl.SSLError("bad record"), UnavailableError, "broke"),
        (NotHttpError("it begins with b'SSH'"), ProtocolError, "does not speak HTTP"),
        (ClosedError(), UnavailableError, "this client was closed"),
    ],
    ids=lambda each: None if isinstance(each, type | str) else repr(each),
)
def test_a_failure_of_an_exchange_is_an_error_of_ours(error: Exception, kind: type[TriptychError], words: str) -> None:
    found = translation(error)
    assert type(found) is kind
    assert words in str(found)


def test_what_is_no_failure_of_an_exchange_passes() -> None:
    with pytest.raises(KeyError), translated(SERVER, timeout_s=1.0):
        raise KeyError
