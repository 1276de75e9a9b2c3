"""Many images, several requests at once, by either client."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextvars import ContextVar
from itertools import count, islice
from typing import Any

import pytest

from callers import PROTOCOLS
from triptych import AsyncClient, Classification, Client, Embedding, ImageError, ImageInput, UnavailableError
from triptych.testing import Failure, FakeServer, label
from triptych.transports.transport import InferRequest, InferResponse

from ..fake_transport import FakeTransport

IMAGES = [b"image %03d" % number for number in range(50)]
LABELS = [label(image) for image in IMAGES]


class Gated(FakeTransport):
    """Holds up each request whose first image is `slow` until the gate opens; counts those under way."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.lock = threading.Lock()
        self.under_way = 0
        self.most = 0

    def infer(self, request: InferRequest) -> InferResponse:
        with self.lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        try:
            if request.images[0].startswith(b"slow"):
                assert self.gate.wait(5.0)
            else:
                time.sleep(0.002)
            return super().infer(request)
        finally:
            with self.lock:
                self.under_way -= 1


class Suspended:
    """The same for an event loop; a request for `slow` never ends."""

    def __init__(self) -> None:
        self._inner = FakeTransport()
        self.cancelled = 0

    async def infer(self, request: InferRequest) -> InferResponse:
        if request.images[0].startswith(b"slow"):
            try:
                await asyncio.sleep(60.0)
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        await asyncio.sleep(0.001)
        return self._inner.infer(request)

    async def parameters(self, *, timeout_s: float) -> Mapping[str, str]:
        return self._inner.parameters(timeout_s=timeout_s)

    async def close(self) -> None:
        self._inner.close()


@pytest.fixture
def gated() -> Iterator[Gated]:
    transport = Gated()
    yield transport
    transport.gate.set()


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("triptych")}


def labels(results: Any) -> list[str]:
    return [item.code if isinstance(item, ImageError) else item.top.label for item in results]


async def first(results: AsyncIterator[Any], number: int) -> list[Any]:
    return [await anext(results) for _ in range(number)]


async def as_list(results: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in results]


async def slowly(images: list[bytes], pause_s: float) -> AsyncIterator[bytes]:
    for image in images:
        await asyncio.sleep(pause_s)
        yield image


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("concurrency", [1, 2, 8])
def test_results_keep_the_order_of_the_images(protocol: str, concurrency: int) -> None:
    with FakeServer(answer_s=0.002) as server, Client(getattr(server, f"{protocol}_url")) as client:
        results = list(client.classify_many(IMAGES, batch_size=3, concurrency=concurrency))
    assert labels(results) == LABELS
    assert [(item.index, item.source) for item in results] == [(at, f"image {at}") for at in range(len(IMAGES))]
    assert threads() == set()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("concurrency", [1, 8])
def test_results_keep_the_order_in_an_event_loop(protocol: str, concurrency: int) -> None:
    async def main() -> list[Any]:
        async with AsyncClient(getattr(server, f"{protocol}_url")) as client:
            found = await as_list(client.classify_many(IMAGES, batch_size=3, concurrency=concurrency))
            assert found == await as_list_of_same(client, found, concurrency)
            return found

    async def as_list_of_same(client: AsyncClient, found: list[Any], concurrency: int) -> list[Any]:
        again = await as_list(client.classify_many(slowly(IMAGES, 0), batch_size=3, concurrency=concurrency))
        assert labels(again) == labels(found)
        return found

    with FakeServer(answer_s=0.002) as server:
        results = asyncio.run(main())
    assert labels(results) == LABELS
    assert [item.index for item in results] == [*range(len(IMAGES))]


def test_results_as_they_come_say_which_image_they_are_of(gated: Gated) -> None:
    with Client(connect=lambda _: gated) as client:
        images: list[ImageInput] = [b"slow", b"bad1", b"img2", "missing.jpg", b"img4"]
        results = client.classify_many(images, batch_size=1, concurrency=2, ordered=False)
        early = list(islice(results, 4))
        gated.gate.set()
        late = list(results)
    assert sorted(item.index for item in early) == [1, 2, 3, 4]
    assert [item.index for item in late] == [0]
    found = {item.index: item for item in [*early, *late]}
    assert labels(found[index] for index in range(5)) == ["slow", "corrupt_image", "img2", "missing_file", "img4"]
    assert [found[index].source for index in range(5)] == ["image 0", "image 1", "image 2", "missing.jpg", "image 4"]


def test_a_slow_request_does_not_stop_the_others_and_its_results_come_first(gated: Gated) -> None:
    with Client(connect=lambda _: gated) as client:
        done: list[int] = []

        def progress(number: int) -> None:
            done.append(number)
            if number == 3:
                gated.gate.set()

        images = [b"slow", b"img1", b"img2", b"img3"]
        results = labels(client.classify_many(images, batch_size=1, concurrency=2, progress=progress))
    assert results == ["slow", "img1", "img2", "img3"]
    assert done == [1, 2, 3, 4]


@pytest.mark.parametrize("concurrency", [1, 2, 5])
def test_so_many_requests_are_under_way_and_no_more(concurrency: int, gated: Gated) -> None:
    with Client(connect=lambda _: gated) as client:
        assert len(list(client.classify_many([b"img."] * 40, batch_size=1, concurrency=concurrency))) == 40
    assert gated.most == concurrency


@pytest.mark.parametrize("concurrency", [1, 3])
def test_an_endless_iterable_is_read_no_further_than_promised(concurrency: int, gated: Gated) -> None:
    endless = count()
    with Client(connect=lambda _: gated) as client:
        results = client.classify_many((b"%04d" % n for n in endless), batch_size=4, concurrency=concurrency)
        assert labels(islice(results, 6)) == [f"{n:04d}" for n in range(6)]
        results.close()
    assert next(endless) <= 6 + 2 * concurrency * 4
    assert threads() == set()


def test_closing_early_waits_for_what_is_under_way_and_leaves_no_thread(gated: Gated) -> None:
    with Client(connect=lambda _: gated) as client:
        results = client.classify_many([b"img0", b"slow"], batch_size=1, concurrency=2)
        assert labels(islice(results, 1)) == ["img0"]
        threading.Timer(0.05, gated.gate.set).start()
        results.close()
        assert (gated.under_way, threads()) == (0, set())
        assert client.classify(b"next").top.label == "next"


def test_closing_early_cancels_what_is_under_way_and_leaves_no_task() -> None:
    transport = Suspended()

    async def main() -> None:
        async with AsyncClient(connect=lambda _: transport) as client:
            results = client.classify_many(slowly([b"img0", b"slow", b"img2"], 0.001), batch_size=1, concurrency=2)
            assert labels(await first(results, 1)) == ["img0"]
            await asyncio.sleep(0.02)
            await results.aclose()
            assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert transport.cancelled == 1


def test_a_caller_that_is_cancelled_leaves_no_task() -> None:
    transport = Suspended()

    async def main() -> None:
        async with AsyncClient(connect=lambda _: transport) as client:
            work = asyncio.create_task(as_list(client.classify_many([b"slow", b"slow"], batch_size=1, concurrency=2)))
            await asyncio.sleep(0.02)
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await work
            assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert transport.cancelled == 2


def test_results_are_handed_out_while_the_next_image_is_waited_for() -> None:
    async def main() -> None:
        more = asyncio.Event()

        async def images() -> AsyncIterator[bytes]:
            yield b"img0"
            await more.wait()
            yield b"img1"

        async with AsyncClient(connect=lambda _: Suspended()) as client:
            results = client.classify_many(images(), batch_size=1, concurrency=4)
            async with asyncio.timeout(2.0):
                assert labels(await first(results, 1)) == ["img0"]
            more.set()
            assert labels(await as_list(results)) == ["img1"]

    asyncio.run(main())


def test_an_error_of_the_server_ends_it_after_the_results_before() -> None:
    def failure(number: int) -> Failure | None:
        return Failure("PERMISSION_DENIED", http=403) if number >= 4 else None

    with FakeServer(failure=failure) as server, Client(server.grpc_url) as client:
        results = client.classify_many(IMAGES, batch_size=2, concurrency=2)
        found: list[Any] = []
        with pytest.raises(Exception, match="told to") as caught:
            found.extend(iter(lambda: next(results), None))
    assert type(caught.value).__name__ == "PermissionDeniedError"
    assert labels(found) == LABELS[: len(found)]
    assert threads() == set()
    assert list(results) == []


def test_what_the_iterable_raises_comes_after_the_results_before() -> None:
    def images() -> Iterator[bytes]:
        yield from IMAGES[:5]
        raise KeyError("no more")

    async def main() -> list[Any]:
        async with AsyncClient(server.grpc_url) as client:
            results = client.classify_many(images(), batch_size=2, concurrency=2)
            found = await first(results, 5)
            with pytest.raises(KeyError, match="no more"):
                await anext(results)
        return found

    with FakeServer(answer_s=0.01) as server:
        for concurrency in (1, 2):
            with Client(server.grpc_url) as client:
                results = client.classify_many(images(), batch_size=2, concurrency=concurrency)
                assert labels(islice(results, 5)) == LABELS[:5]
                with pytest.raises(KeyError, match="no more"):
                    next(results)
        assert labels(asyncio.run(main())) == LABELS[:5]
    assert threads() == set()


def test_a_progress_that_fails_ends_it_cleanly(gated: Gated) -> None:
    def progress(done: int) -> None:
        raise ZeroDivisionError(done)

    with Client(connect=lambda _: gated) as client, pytest.raises(ZeroDivisionError):
        list(client.classify_many([b"img."] * 9, batch_size=1, concurrency=3, progress=progress))
    assert (gated.under_way, threads()) == (0, set())


def test_a_closed_client_ends_it(gated: Gated) -> None:
    client = Client(connect=lambda _: gated)
    results = client.classify_many([b"img."] * 99, batch_size=1)
    assert labels(islice(results, 1)) == ["img."]
    client.close()
    with pytest.raises(UnavailableError, match="closed"):
        list(results)
    assert threads() == set()


def test_requests_carry_the_caller_s_context() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="nothing")
    seen: list[str] = []

    class Watching(FakeTransport):
        def infer(self, request: InferRequest) -> InferResponse:
            seen.append(variable.get())
            return super().infer(request)

    token = variable.set("a trace")
    with Client(connect=lambda _: Watching()) as client:
        list(client.classify_many([b"img."] * 3, batch_size=1, concurrency=2))
    variable.reset(token)
    assert seen == ["a trace"] * 3


def test_many_images_are_embedded() -> None:
    async def main() -> list[Any]:
        async with AsyncClient(server.http_url) as client:
            return await as_list(client.embed_many([*IMAGES[:5], b""], batch_size=2))

    with FakeServer() as server, Client(server.grpc_url) as client:
        results = list(client.embed_many([*IMAGES[:5], b""], batch_size=2, concurrency=2))
        unordered = list(client.embed_many(IMAGES, batch_size=2, concurrency=4, ordered=False))
        others = asyncio.run(main())
    for found in (results, others):
        assert [type(item) for item in found] == [Embedding] * 5 + [ImageError]
        assert [item.index for item in found] == [*range(6)]
    assert sorted(item.index for item in unordered) == [*range(len(IMAGES))]


def test_one_request_after_the_other_needs_no_thread() -> None:
    found: list[str] = []

    class Named(FakeTransport):
        def infer(self, request: InferRequest) -> InferResponse:
            found.append(threading.current_thread().name)
            return super().infer(request)

    with Client(connect=lambda _: Named()) as client:
        results = list(client.classify_many([b"img."] * 3, batch_size=1, concurrency=1))
    assert all(isinstance(item, Classification) for item in results)
    assert {*found} == {threading.current_thread().name}
