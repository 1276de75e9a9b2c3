"""What is too much is refused early, and costs the others nothing."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest

from gateways import Answer, RunningGateway, form, running
from triptych.testing import FakeServer, label
from triptych_ops.errors import UsageError
from triptych_ops.gateway import Limits

_MIB = 1 << 20
_HEAD = b"POST /classify HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"


@pytest.fixture(scope="module")
def impatient(server: FakeServer) -> Iterator[RunningGateway]:
    """A gateway that waits for nothing longer than it must."""
    limits = Limits(head_timeout_s=0.2, body_timeout_s=0.2, unwanted_body_s=0.2)
    with running(server.http_url, limits=limits) as running_gateway:
        yield running_gateway


def _sent(gateway: RunningGateway, *pieces: bytes) -> bytes:
    """All that comes back until the gateway ends the connection."""
    with gateway.connect() as connection:
        for piece in pieces:
            connection.sendall(piece)
        return _rest(connection)


def _rest(connection: socket.socket) -> bytes:
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


@contextmanager
def _under_way(gateway: RunningGateway, count: int) -> Iterator[list[Answer]]:
    """So many requests that the server has by now; their answers at the end."""
    answers: list[Answer] = []
    with ThreadPoolExecutor(count) as pool:
        asked = [pool.submit(gateway.classify, b"a slow cat") for _ in range(count)]
        deadline = time.monotonic() + 10
        while _metric(gateway, "triptych_gateway_requests_in_flight") < count + 1:
            assert time.monotonic() < deadline
        time.sleep(0.05)
        yield answers
        answers.extend(each.result() for each in asked)


def _metric(gateway: RunningGateway, name: str) -> float:
    lines = gateway.ask("GET", "/metrics").body.decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def test_the_largest_image_is_taken_and_one_byte_more_is_not(gateway: RunningGateway) -> None:
    largest = bytes(20 * _MIB)
    assert gateway.classify(largest).document["predictions"][0]["label"] == label(largest)
    answer = gateway.classify(largest + b"x")
    assert (answer.status, answer.kind) == (413, "too_large")
    body, headers = form(("huge.jpg", largest + b"x"))
    assert gateway.ask("POST", "/classify", body, headers).kind == "too_large"


def test_an_announced_length_is_refused_before_the_body(gateway: RunningGateway) -> None:
    with gateway.connect() as connection:
        connection.sendall(_HEAD + b"Content-Length: 99999999999\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
    with gateway.connect() as connection:
        connection.sendall(_HEAD + b"Content-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n")
        received = _rest(connection)
    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in received


def test_an_unannounced_length_is_refused_while_it_arrives(gateway: RunningGateway) -> None:
    piece = b"100000\r\n" + bytes(_MIB) + b"\r\n"
    with gateway.connect() as connection:
        connection.sendall(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + piece * 21)
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_connection_goes_on_after_a_body_that_was_refused(gateway: RunningGateway) -> None:
    refused = _HEAD.replace(b"image/jpeg", b"text/plain") + b"Content-Length: 300000\r\n\r\n" + bytes(300_000)
    asked = _HEAD + b"Content-Length: 1\r\nConnection: close\r\n\r\nx"
    received = _sent(gateway, refused, asked)
    assert received.startswith(b"HTTP/1.1 415 ")
    assert b"HTTP/1.1 200 " in received


def test_who_goes_on_sending_what_was_refused_is_cut_off(impatient: RunningGateway) -> None:
    with impatient.connect() as connection:
        connection.sendall(_HEAD.replace(b"image/jpeg", b"text/plain") + b"Content-Length: 99999999999\r\n\r\n")
        sent_bytes = 0
        with suppress(ConnectionError):
            for _ in range(200):
                connection.sendall(bytes(1000))
                sent_bytes += 1000
                time.sleep(0.01)
        assert 5_000 < sent_bytes < 100_000


def test_a_body_that_trickles_is_ended(impatient: RunningGateway) -> None:
    began = time.monotonic()
    received = _sent(impatient, _HEAD + b"Content-Length: 10\r\n\r\nabc")
    assert received.startswith(b"HTTP/1.1 408 ")
    assert b"3 bytes of the body arrived within 0.2 s" in received
    assert 0.15 < time.monotonic() - began < 2


@pytest.mark.parametrize("sent", [b"", b"POST /class", _HEAD, b"\r\n", b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET"])
def test_a_head_that_does_not_come_is_ended(impatient: RunningGateway, sent: bytes) -> None:
    began = time.monotonic()
    received = _sent(impatient, sent)
    assert b"HTTP/1.1 408 " in received
    assert 0.15 < time.monotonic() - began < 2


def test_an_endless_head_is_ended(gateway: RunningGateway) -> None:
    with gateway.connect() as connection:
        connection.sendall(_HEAD + b"X-Long: " + b"x" * 66_000)
        assert connection.recv(65536).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "sent", [b"nonsense\r\n\r\n", b"POST /classify HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"\0" * 99]
)
def test_what_is_no_http(gateway: RunningGateway, sent: bytes) -> None:
    received = _sent(gateway, sent)
    assert received.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in received.lower()


def test_one_connection_too_many(server: FakeServer) -> None:
    with running(server.http_url, limits=Limits(connections=3)) as gateway:
        kept = [gateway.connect() for _ in range(3)]
        time.sleep(0.05)
        received = _sent(gateway)
        for connection in kept:
            connection.close()
        assert received.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1" in received.lower()
        time.sleep(0.05)
        assert gateway.classify(b"a cat").status == 200


def test_one_image_too_many_is_told_to_come_later(failing: FakeServer) -> None:
    with running(failing.http_url, limits=Limits(concurrent_images=2)) as gateway:
        gateway.classify(b"a cat")
        failing.answer_s = 0.4
        with _under_way(gateway, 2) as answers:
            began = time.monotonic()
            refused = gateway.classify(b"a cat")
            took_s = time.monotonic() - began
        failing.answer_s = 0.0
        assert (refused.status, refused.kind, refused.headers["retry-after"]) == (503, "overloaded", "1")
        assert took_s < 0.25
        assert [answer.status for answer in answers] == [200, 200]
        body, headers = form(*[("a.jpg", b"a")] * 5)  # more than ever fit go alone
        assert len(gateway.ask("POST", "/classify", body, headers).document["results"]) == 5


def test_bodies_that_do_not_fit_in_memory_together(server: FakeServer) -> None:
    limits = Limits(image_bytes=_MIB, body_bytes=_MIB, held_bytes=_MIB + _MIB // 2)
    with running(server.http_url, limits=limits) as gateway:
        with gateway.connect() as slow:
            slow.sendall(_HEAD + b"Content-Length: 1000000\r\n\r\n" + bytes(900_000))
            time.sleep(0.1)
            assert gateway.classify(bytes(900_000)).kind == "overloaded"
            assert gateway.classify(bytes(100_000)).status == 200
        time.sleep(0.1)  # the slow one has gone, and its bytes with it
        assert gateway.classify(bytes(900_000)).status == 200


def test_a_caller_that_leaves_makes_room(failing: FakeServer) -> None:
    with running(failing.http_url, limits=Limits(concurrent_images=1)) as gateway:
        gateway.classify(b"a cat")
        failing.answer_s = 5.0
        with gateway.connect() as leaving:
            leaving.sendall(_HEAD + b"Content-Length: 1\r\n\r\nx")
            time.sleep(0.2)
            assert gateway.classify(b"a cat").kind == "overloaded"
        failing.answer_s = 0.0
        deadline = time.monotonic() + 2
        while gateway.classify(b"a cat").status != 200:
            assert time.monotonic() < deadline
        assert 'status="499"' in gateway.ask("GET", "/metrics").body.decode()


def test_the_callers_time_is_capped(failing: FakeServer) -> None:
    with running(failing.http_url, limits=Limits(timeout_s=0.1, longest_timeout_s=0.2)) as gateway:
        failing.answer_s = 1.0
        began = time.monotonic()
        assert gateway.classify(b"a cat", "/classify?timeout_s=1000").kind == "deadline_exceeded"
        assert time.monotonic() - began < 0.8


@pytest.mark.parametrize(
    "wrong", [{"body_bytes": 1}, {"held_bytes": 1}, {"timeout_s": 0}, {"images": -1}, {"body_timeout_s": float("inf")}]
)
def test_limits_that_nobody_can_keep(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        Limits(**wrong)
