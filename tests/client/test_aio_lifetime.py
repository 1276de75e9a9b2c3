"""The asynchronous client when it is cancelled and closed, and what it leaves behind."""

import asyncio
import gc
import time
import weakref
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from typing import Any

import pytest

from triptych import (
    AsyncClient,
    Classification,
    Client,
    Hedging,
    Resilience,
    Retry,
    TriptychError,
    UnavailableError,
)
from triptych.testing import Failure, FakeServer, label

DOWN = Failure("UNAVAILABLE", http=503)
BROKEN = Failure("INTERNAL", http=500)


# ---- being cancelled, and being closed


@pytest.mark.parametrize("hedging", [None, Hedging(after_s=0.02)])
def test_a_caller_that_is_cancelled_is_released_at_once(hedging: Hedging | None, url: str, server: FakeServer) -> None:
    server.answer_s = 0.3

    async def ask() -> float:
        async with AsyncClient(url, resilience=replace(Resilience(), hedging=hedging)) as client:
            task = asyncio.create_task(client.classify(b"image"))
            while not server.requests:
                await asyncio.sleep(0.001)
            began = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            released_s = time.monotonic() - began
            server.answer_s = 0.0
            assert (await client.classify(b"cat")).top.label == label(b"cat")  # and the client is as good as before
            return released_s

    assert asyncio.run(ask()) < 0.2


def test_a_timeout_of_asyncio_is_one(url: str, server: FakeServer) -> None:
    server.answer_s = 0.2

    async def ask() -> None:
        async with AsyncClient(url) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.classify(b"image")

    asyncio.run(ask())


def test_calls_that_are_cancelled_in_the_midst_of_others_harm_none(url: str, server: FakeServer) -> None:
    server.answer_s = 0.02
    images = [b"image %d" % number for number in range(30)]

    async def ask() -> list[Classification | BaseException]:
        async with AsyncClient(url) as client:
            tasks = [asyncio.create_task(client.classify(image)) for image in images]
            await asyncio.sleep(0.01)
            for task in tasks[::3]:
                task.cancel()
            return await asyncio.gather(*tasks, return_exceptions=True)

    for number, result in enumerate(asyncio.run(ask())):
        if number % 3:
            assert isinstance(result, Classification)
            assert result.top.label == label(images[number])
        else:
            assert isinstance(result, asyncio.CancelledError)


def test_a_client_that_is_closed_refuses(url: str) -> None:
    async def ask() -> None:
        client = AsyncClient(url)
        await client.classify(b"image")
        await client.close()
        await client.close()
        calls: list[Coroutine[Any, Any, object]] = [client.classify(b"image"), client.embed(b"image")]
        for call in calls:
            with pytest.raises(UnavailableError, match="closed"):
                await call
        assert not (await client.health()).ok

    asyncio.run(ask())


def test_a_client_that_never_called_closes(url: str) -> None:
    async def ask() -> None:
        async with AsyncClient(url):
            pass

    asyncio.run(ask())


def test_closing_ends_the_calls_under_way(url: str, server: FakeServer) -> None:
    server.answer_s = 0.2

    async def ask() -> Classification | BaseException:
        client = AsyncClient(url, resilience=Resilience.off())
        task = asyncio.create_task(client.classify(b"image"))
        while not server.requests:
            await asyncio.sleep(0.001)
        await client.close()
        (found,) = await asyncio.gather(task, return_exceptions=True)
        return found

    assert isinstance(asyncio.run(ask()), Classification | UnavailableError)


def test_one_after_another_in_several_loops(url: str) -> None:
    async def ask() -> str:
        async with AsyncClient(url) as client:
            return (await client.classify(b"cat")).top.label

    assert {asyncio.run(ask()) for _ in range(3)} == {label(b"cat")}


# ---- leaving nothing behind


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What is in a cycle is never freed."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("hedging", [None, Hedging(after_s=5.0)])
@pytest.mark.parametrize("fails", [DOWN, BROKEN])
def test_an_error_that_nobody_holds_is_freed_and_with_it_its_call(
    fails: Failure, hedging: Hedging | None, url: str, server: FakeServer
) -> None:
    server.fails = fails
    policy = replace(Resilience(), retry=Retry(base_s=0.001, cap_s=0.001), hedging=hedging)

    async def ask() -> weakref.ref[TriptychError]:
        async with AsyncClient(url, resilience=policy) as client:
            try:
                await client.classify(b"image")
            except TriptychError as error:
                return weakref.ref(error)
            raise AssertionError

    assert asyncio.run(ask())() is None


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("fails", [DOWN, BROKEN])
def test_so_is_one_of_the_synchronous_client(fails: Failure, url: str, server: FakeServer) -> None:
    server.fails = fails

    def ask() -> weakref.ref[TriptychError]:
        with Client(url, resilience=replace(Resilience(), retry=Retry(base_s=0.001, cap_s=0.001))) as client:
            try:
                client.classify(b"image")
            except TriptychError as error:
                return weakref.ref(error)
            raise AssertionError

    assert ask()() is None
