"""Case 25: many threads on one client; nobody gets another's answer."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from triptych import AsyncClient, Classification, Client
from triptych.access import NO_ACCESS
from triptych.calls import connector
from triptych.config import Resilience
from triptych.endpoint import Endpoint
from triptych.testing import FakeServer, label
from triptych.transport import InferRequest, InferResponse, Transport

from .asking import PROTOCOLS

THREADS = 64
IMAGES = 1_000  # of each thread
BATCH = 8
TASKS = 1_000


def image(thread: int, number: int) -> bytes:
    return b"image %d of thread %d" % (number, thread)


def swapped(client: Client, *, threads: int, images: int) -> int:
    """How many answers were another image's; each thread asks one by one, and then in batches."""
    wrong: list[bytes] = []
    failures: list[BaseException] = []

    def work(thread: int) -> None:
        mine = [image(thread, number) for number in range(images)]
        single = images // 10
        try:
            results = [client.classify(body) for body in mine[:single]]
            results += [_good(one) for one in client.classify_many(mine[single:], batch_size=BATCH)]
        except BaseException as error:
            failures.append(error)
            return
        wrong.extend(body for body, result in zip(mine, results, strict=True) if result.top.label != label(body))

    workers = [threading.Thread(target=work, args=(thread,)) for thread in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures, failures
    return len(wrong)


def _good(result: object) -> Classification:
    assert isinstance(result, Classification), result
    return result


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_answer_of_64_threads_is_swapped(protocol: str) -> None:
    with FakeServer() as server, Client(PROTOCOLS[protocol](server), timeout_s=30) as client:
        assert swapped(client, threads=THREADS, images=IMAGES) == 0
    print(f"case 25: over {protocol} {THREADS} threads x {IMAGES:,} unique images, 0 answers swapped")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_answer_of_1000_tasks_is_swapped(protocol: str) -> None:
    async def all_at_once(url: str) -> int:
        async with AsyncClient(url, timeout_s=30) as client:
            images = [image(0, number) for number in range(TASKS)]
            results = await asyncio.gather(*map(client.classify, images))
            return sum(result.top.label != label(body) for body, result in zip(images, results, strict=True))

    with FakeServer() as server:
        assert asyncio.run(all_at_once(PROTOCOLS[protocol](server))) == 0
    print(f"case 25: over {protocol} {TASKS:,} concurrent calls of one event loop, 0 answers swapped")


class Swapping:
    """A transport that gives a request now and then the answer to another."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._asked = 0
        self._kept: InferResponse | None = None
        self.close, self.parameters = transport.close, transport.parameters

    def infer(self, request: InferRequest) -> InferResponse:
        response = self._transport.infer(request)
        self._asked += 1
        if self._asked % 50 or len(request.images) > 1:
            return response
        self._kept, given = response, self._kept
        return given or response


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_swapped_answers_are_noticed(protocol: str) -> None:
    with FakeServer() as server:
        url = PROTOCOLS[protocol](server)
        connect: Callable[[Endpoint], Transport] = connector((Endpoint.from_url(url),), Resilience(), NO_ACCESS)
        with Client(url, timeout_s=30, connect=lambda endpoint: Swapping(connect(endpoint))) as client:
            assert swapped(client, threads=8, images=IMAGES) > 0
