"""The asynchronous client in more than one event loop."""

import asyncio
import gc
import threading
from collections.abc import Iterator

import pytest

from triptych import AsyncClient, InvalidUseError
from triptych.testing import FakeServer, label

# asyncio's own hint that a loop was closed before the connections in it, where that is what a test is about.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def test_it_goes_on_in_a_second_event_loop(url: str, server: FakeServer) -> None:
    client = AsyncClient(url)
    for image in (b"first", b"second", b"third"):
        assert asyncio.run(client.classify(image)).top.label == label(image)
    assert asyncio.run(client.health()).answered
    asyncio.run(client.close())
    assert server.requests == 4


def test_it_can_be_closed_in_another_event_loop(url: str) -> None:
    client = AsyncClient(url)
    asyncio.run(client.classify(b"image"))
    asyncio.run(client.close())


def test_a_context_manager_may_end_in_another_event_loop(url: str) -> None:
    async def use(client: AsyncClient) -> None:
        async with client:
            await client.classify(b"image")

    client = AsyncClient(url)
    asyncio.run(client.classify(b"image"))
    asyncio.run(use(client))


def test_a_second_event_loop_beside_an_open_one_is_refused_and_told_why(url: str) -> None:
    with asyncio.Runner() as runner:
        client = AsyncClient(url)
        runner.run(client.classify(b"image"))
        refused: list[BaseException] = []

        def ask() -> None:
            for call in (client.classify, lambda _: client.release(), lambda _: client.close()):
                try:
                    asyncio.run(call(b"image"))
                except InvalidUseError as error:
                    refused.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        assert len(refused) == 3
        assert all("make one AsyncClient for each event loop" in str(error) for error in refused)
        assert runner.run(client.classify(b"image")).top.label == label(b"image")
        runner.run(client.close())


def test_views_share_the_event_loop_of_their_client(url: str) -> None:
    client = AsyncClient(url)
    view = client.with_options(top_k=1)
    assert len(asyncio.run(view.classify(b"image")).predictions) == 1
    assert len(asyncio.run(client.classify(b"image")).predictions) == 5
    assert len(asyncio.run(view.classify(b"image")).predictions) == 1
    asyncio.run(client.close())


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Let such hints come while the test runs, and not in a later one."""
    yield
    gc.collect()
