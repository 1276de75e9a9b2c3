"""The asynchronous client at a real server of both protocols."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from triptych import (
    AsyncClient,
    Breaker,
    Classification,
    Client,
    DeadlineExceededError,
    Embedding,
    Hedging,
    ImageError,
    OverloadedError,
    Resilience,
    Retry,
    ServerError,
    TriptychError,
    UnavailableError,
)
from triptych.testing import Failure, FakeServer, label

from .clock import Clock

DOWN = Failure("UNAVAILABLE", http=503)
BROKEN = Failure("INTERNAL", http=500)
REJECTED = Failure("INVALID_ARGUMENT", http=400, message="in ensemble, [0] corrupt_image: broken")


def test_one_image(url: str) -> None:
    async def ask() -> tuple[Classification, Embedding]:
        async with AsyncClient(url) as client:
            return await client.classify(b"cat"), await client.embed(b"cat")

    classification, embedding = asyncio.run(ask())
    assert (classification.top.label, classification.release) == (label(b"cat"), 7)
    assert embedding.vector.shape == (4,)


def test_what_it_gives_is_what_the_synchronous_client_gives(url: str) -> None:
    images = [b"image %d" % number for number in range(20)]

    async def ask() -> list[Classification | ImageError]:
        async with AsyncClient(url) as client:
            return [result async for result in client.classify_many(images, batch_size=3)]

    def essence(result: Classification | ImageError) -> object:
        assert isinstance(result, Classification)
        return result.predictions, result.release

    with Client(url) as client:
        expected = [essence(result) for result in client.classify_many(images, batch_size=3)]
    assert [essence(result) for result in asyncio.run(ask())] == expected


def test_many_images_may_come_from_an_asynchronous_iterable(url: str) -> None:
    async def images() -> AsyncIterator[bytes]:
        for number in range(7):
            await asyncio.sleep(0)
            yield b"%d" % number

    async def ask() -> list[str]:
        async with AsyncClient(url) as client:
            results = client.classify_many(images(), batch_size=2)
            return [result.top.label async for result in results if isinstance(result, Classification)]

    assert asyncio.run(ask()) == [label(b"%d" % number) for number in range(7)]


def test_calls_at_once_get_their_own_answers(url: str) -> None:
    images = [b"image %d" % number for number in range(100)]

    async def ask() -> list[Classification]:
        async with AsyncClient(url) as client:
            return await asyncio.gather(*map(client.classify, images))

    assert [result.top.label for result in asyncio.run(ask())] == list(map(label, images))


def failure_of(call: Callable[[AsyncClient], Awaitable[object]], url: str | list[str], **settings: Any) -> Exception:
    async def ask() -> None:
        async with AsyncClient(url, **settings) as client:
            await call(client)

    with pytest.raises(TriptychError) as caught:
        asyncio.run(ask())
    return caught.value


@pytest.mark.parametrize(
    ("fails", "kind"), [(DOWN, UnavailableError), (BROKEN, ServerError), (REJECTED, ImageError)], ids=str
)
def test_a_failure_is_raised(fails: Failure, kind: type[TriptychError], url: str, server: FakeServer) -> None:
    server.fails = fails
    assert type(failure_of(lambda client: client.classify(b"image"), url, resilience=Resilience.off())) is kind
    assert server.requests == 1


def test_a_call_is_over_at_its_deadline(url: str, server: FakeServer) -> None:
    server.answer_s = 0.2
    began = time.monotonic()
    error = failure_of(lambda client: client.classify(b"image", timeout_s=0.1), url)
    assert isinstance(error, DeadlineExceededError)
    assert time.monotonic() - began < 5.0


def test_another_server_answers_where_one_fails(
    url_of: Callable[[FakeServer], str], server: FakeServer, other: FakeServer
) -> None:
    server.fails = DOWN

    async def ask() -> list[Classification]:
        async with AsyncClient([url_of(server), url_of(other)]) as client:
            return [await client.classify(b"cat") for _ in range(5)]

    results = asyncio.run(ask())
    assert [result.release for result in results] == [8] * 5
    assert [result.attempts for result in results] == [2, 1, 1, 1, 1]
    assert server.requests == 1


def test_a_slow_server_is_hedged(url_of: Callable[[FakeServer], str], server: FakeServer, other: FakeServer) -> None:
    server.answer_s = 1.0
    policy = replace(Resilience(), hedging=Hedging(after_s=0.05))

    async def ask() -> Classification:
        async with AsyncClient([url_of(server), url_of(other)], resilience=policy) as client:
            began = time.monotonic()
            result = await client.classify(b"cat")
            assert time.monotonic() - began < 0.9
            return result

    result = asyncio.run(ask())
    # More than two where this machine is too busy for the second to be quick.
    assert result.release == 8
    assert result.attempts >= 2


def test_a_hedge_that_loses_is_an_answer_all_the_same(
    url_of: Callable[[FakeServer], str], server: FakeServer, other: FakeServer
) -> None:
    """Its server is no worse for it, and the client closes with it under way."""
    server.answer_s = 0.1
    policy = replace(Resilience(), hedging=Hedging(after_s=0.02))

    async def ask() -> set[int]:
        async with AsyncClient([url_of(server), url_of(other)], resilience=policy) as client:
            await client.classify(b"cat")
            await asyncio.sleep(0.2)
            server.answer_s = 0.0
            return {(await client.classify(b"cat")).release for _ in range(4)}

    assert asyncio.run(ask()) == {7, 8}


def test_while_nobody_can_serve_calls_fail_at_once(url: str, server: FakeServer) -> None:
    server.fails = DOWN
    policy = replace(Resilience(), retry=None, breaker=Breaker(failures=3, open_s=60.0))

    async def ask() -> None:
        async with AsyncClient(url, resilience=policy) as client:
            for _ in range(10):
                with pytest.raises(UnavailableError):
                    await client.classify(b"image")
            assert server.requests == 3
            server.fails = None
            assert (await client.health()).ok  # goes through, and closes it
            await client.classify(b"image")

    asyncio.run(ask())


def test_a_server_is_asked_again_when_it_said(server: FakeServer, url: str) -> None:
    server.fails = Failure("UNAVAILABLE", http=503, headers={"grpc-retry-pushback-ms": "2000", "retry-after": "2"})
    clock = Clock()

    async def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        server.fails = None

    async def ask() -> Classification:
        async with AsyncClient(url, clock=clock.now, sleep=sleep) as client:
            return await client.classify(b"image")

    assert asyncio.run(ask()).attempts == 2
    assert clock.slept_s == [2.0]


# ---- until it is ready


def test_it_waits_until_the_server_is_ready(url: str, server: FakeServer) -> None:
    server.fails = DOWN
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            server.fails = None

    async def ask() -> bool:
        async with AsyncClient(url, sleep=sleep) as client:
            return (await client.wait_until_ready(30.0)).ok

    assert asyncio.run(ask())
    assert slept == [0.1] * 3


def test_it_gives_up_waiting(url: str, server: FakeServer) -> None:
    server.fails = DOWN
    error = failure_of(lambda client: client.wait_until_ready(0.15), url)
    assert isinstance(error, DeadlineExceededError)
    assert "not ready within 0.15 s" in str(error)


# ---- servers before Triton 2.57


@pytest.mark.parametrize(("version", "spares"), [("2.51.0", True), ("2.70.0", False)])
def test_a_server_that_a_cancellation_can_harm_is_spared(version: str, spares: bool) -> None:
    async def ask(server: FakeServer) -> None:
        async with AsyncClient(server.grpc_url) as client:
            await client.classify(b"image")
            while not server.versions:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.02)
            await client.classify(b"image", timeout_s=5.0)

    with FakeServer(version=version) as tritonserver:
        asyncio.run(ask(tritonserver))
        left_s = tritonserver.deadlines_s[-1]
    assert left_s is not None
    assert (left_s > 6.0) is spares


def test_too_many_requests_that_nobody_waits_for_any_more_are_one_s_own_limit() -> None:
    async def ask(url: str) -> None:
        policy = replace(Resilience.off(), cancels=False)
        async with AsyncClient(url, resilience=policy) as client:
            calls = [client.classify(b"image", timeout_s=0.1) for _ in range(64)]
            for late in await asyncio.gather(*calls, return_exceptions=True):
                assert isinstance(late, DeadlineExceededError)
            with pytest.raises(OverloadedError, match="still works on 64 requests"):
                await client.classify(b"image", timeout_s=0.1)

    with FakeServer(answer_s=0.5) as server:
        asyncio.run(ask(server.grpc_url))


def test_retries_share_one_budget(url: str, server: FakeServer) -> None:
    server.fails = DOWN
    policy = replace(Resilience(), retry=Retry(budget_burst=5, budget_ratio=0.0, base_s=0.001), breaker=None)

    async def ask() -> None:
        async with AsyncClient(url, resilience=policy) as client:
            await asyncio.gather(*(client.classify(b"image") for _ in range(20)), return_exceptions=True)

    asyncio.run(ask())
    assert server.requests == 25
