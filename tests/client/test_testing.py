"""The server for users' tests, asked as users ask it."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import grpc
import pytest

from callers import PROTOCOLS
from triptych import (
    Client,
    DeadlineExceededError,
    ImageError,
    OverloadedError,
    Prediction,
    Resilience,
    ServerError,
    TriptychError,
    UnavailableError,
)
from triptych.testing import Failure, FakeServer, class_id, label


def test_each_image_is_answered_by_its_own_bytes(url: str, server: FakeServer) -> None:
    images = [b"image %d" % number for number in range(10)]
    with Client(url) as client:
        results = list(client.classify_many(images, batch_size=3, concurrency=1))
        features = client.embed(images[0]).vector
    for image, result in zip(images, results, strict=True):
        assert not isinstance(result, ImageError)
        assert (result.top.label, result.top.class_id, result.release) == (label(image), class_id(image), 7)
        assert len(result.predictions) == 5
    assert features.shape == (4,)
    assert server.requests == 5
    assert len({label(image) for image in images}) == 10


def test_it_fails_as_it_is_told_and_recovers(url: str, server: FakeServer) -> None:
    with Client(url, resilience=Resilience.off()) as client:
        server.fails = Failure("INTERNAL", http=500, message="broken")
        with pytest.raises(ServerError, match="broken"):
            client.classify(b"image")
        server.fails = None
        assert client.classify(b"image").top.label == label(b"image")


def test_it_fails_the_requests_that_it_is_told_to() -> None:
    full = Failure("RESOURCE_EXHAUSTED", http=429, headers={"retry-after": "3", "grpc-retry-pushback-ms": "3000"})
    with FakeServer(failure=lambda number: full if number % 2 else None) as server:
        for url in (server.grpc_url, server.http_url):
            with Client(url, resilience=Resilience.off()) as client:
                with pytest.raises(OverloadedError) as caught:
                    client.classify(b"image")
                assert caught.value.retry_after_s == 3.0
                client.classify(b"image")


@pytest.mark.parametrize("code", [code.name for code in grpc.StatusCode if code.name != "OK"])
def test_no_failure_shows_a_traceback_or_a_region(code: str, server: FakeServer) -> None:
    for words in (
        'it failed: Traceback (most recent call last):\n  File "/models/model.py", line 3\nKeyError: 7',
        "Unable to open shared memory region: 'secret'",
    ):
        for url, http in ((server.grpc_url, 500), (server.http_url, 400)):
            server.fails = Failure(code, http=http, message=words)
            with Client(url, resilience=Resilience.off()) as client, pytest.raises(TriptychError) as caught:
                client.classify(b"image")
            message = str(caught.value)
            assert not any(secret in message for secret in ("Traceback", "/models", "KeyError", "secret"))


def test_it_is_as_slow_as_it_is_told(url: str, server: FakeServer) -> None:
    server.answer_s = 0.15
    with Client(url, timeout_s=0.05) as client, pytest.raises(DeadlineExceededError):
        client.classify(b"image")
    with Client(url) as client:
        began = time.monotonic()
        client.classify(b"image")
        assert time.monotonic() - began >= 0.15


def test_it_answers_many_at_once(url: str, server: FakeServer) -> None:
    server.answer_s = 0.1
    began = time.monotonic()
    with Client(url) as client, ThreadPoolExecutor(32) as threads:
        images = [b"%d" % number for number in range(32)]
        results = list(threads.map(client.classify, images))
    assert time.monotonic() - began < 2.0  # one after the other 3.2 s
    assert [result.top.label for result in results] == [label(image) for image in images]


def test_it_is_healthy_and_tells_no_known_answer(url: str, server: FakeServer) -> None:
    with Client(url) as client:
        health = client.health()
        assert (health.ok, health.known, health.release) == (True, False, 7)
        server.fails = Failure("UNAVAILABLE", http=503)
        assert not client.health().ok


def test_it_says_what_it_was_asked(server: FakeServer) -> None:
    for url in (server.grpc_url, server.http_url):
        with Client(url, timeout_s=5.0, headers={"x-api-key": "key"}) as client:
            client.classify(b"image")
    assert [headers["x-api-key"] for headers in server.headers] == ["key", "key"]
    assert len(server.deadlines_s) == 1  # of gRPC


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_it_leaves_while_it_answers(protocol: str) -> None:
    failed: list[TriptychError] = []

    def ask(client: Client) -> None:
        try:
            client.classify(b"image")
        except TriptychError as error:
            failed.append(error)

    with ExitStack() as stack:
        server = stack.enter_context(FakeServer(answer_s=30.0))
        client = stack.enter_context(Client(PROTOCOLS[protocol](server), resilience=Resilience.off()))
        thread = threading.Thread(target=ask, args=[client])
        thread.start()
        while server.requests == 0:
            time.sleep(0.001)
        began = time.monotonic()
        stack.close()
        thread.join()
        assert time.monotonic() - began < 5.0
    assert isinstance(failed[0], UnavailableError | ServerError)


@pytest.mark.parametrize("port", ["grpc_port", "http_port"])
def test_a_port_that_is_taken_is_an_error(port: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings: dict[str, Any] = {port: taken.getsockname()[1]}
        with pytest.raises((OSError, RuntimeError)), FakeServer(**settings):
            pass


def test_it_takes_the_ports_that_it_is_given() -> None:
    with FakeServer() as first:
        ports = [int(url.rsplit(":", 1)[1]) for url in (first.grpc_url, first.http_url)]
    with FakeServer(grpc_port=ports[0], http_port=ports[1]) as second:
        assert (second.grpc_url, second.http_url) == (first.grpc_url, first.http_url)
        with Client(second.http_url) as client:
            client.classify(b"image")


@pytest.mark.parametrize("call", ["classify", "embed"])
def test_an_image_gets_the_answer_or_the_error_that_it_was_given(call: str, url: str, server: FakeServer) -> None:
    server.set_answer(b"cat", Prediction(281, "tabby", 0.75), Prediction(282, "tiger cat", 0.25))
    server.set_error(b"half", "corrupt_image", "it is cut off")
    with Client(url) as client:
        found = list(getattr(client, f"{call}_many")([b"cat", b"half", b"other"]))
        with pytest.raises(ImageError, match="it is cut off") as caught:
            getattr(client, call)(b"half")
    assert (caught.value.code, caught.value.source) == ("corrupt_image", "image 0")
    assert [isinstance(each, ImageError) for each in found] == [False, True, False]
    if call == "classify":
        assert [(each.class_id, each.label, each.score) for each in found[0].predictions] == [
            (281, "tabby", 0.75),
            (282, "tiger cat", 0.25),
            (2, "another", 0.0),
            (3, "another", 0.0),
            (4, "another", 0.0),
        ]
        assert found[2].top.label == label(b"other")


def test_an_answer_that_cannot_be_given_is_refused(server: FakeServer) -> None:
    with pytest.raises(ValueError, match="give 1 to 5 predictions, the most that this server sends, not 6"):
        server.set_answer(b"cat", *[Prediction(0, "cat", 0.1)] * 6)
    with pytest.raises(ValueError, match="not 0"):
        server.set_answer(b"cat")
    with pytest.raises(ValueError, match="code must be one word, such as corrupt_image, not 'cut off'"):
        server.set_error(b"cat", "cut off")
