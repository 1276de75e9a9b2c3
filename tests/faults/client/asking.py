"""Many calls of both clients, and what became of them."""

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from triptych import AsyncClient, Client, TriptychError
from triptych.testing import label


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one call ended, and when it began and ended, by the monotonic clock."""

    error: TriptychError | None
    began: float
    ended: float
    timeout_s: float

    @property
    def late_s(self) -> float:
        """How long after its deadline it ended."""
        return self.ended - self.began - self.timeout_s


def call(client: Client, image: bytes, *, timeout_s: float) -> Outcome:
    """Classify an image, and check the answer."""
    began = time.monotonic()
    try:
        result = client.classify(image, timeout_s=timeout_s)
    except TriptychError as error:
        return Outcome(error, began, time.monotonic(), timeout_s)
    ended = time.monotonic()
    assert result.top.label == label(image)
    return Outcome(None, began, ended, timeout_s)


async def async_call(client: AsyncClient, image: bytes, *, timeout_s: float) -> Outcome:
    """Classify an image, and check the answer."""
    began = time.monotonic()
    try:
        result = await client.classify(image, timeout_s=timeout_s)
    except TriptychError as error:
        return Outcome(error, began, time.monotonic(), timeout_s)
    ended = time.monotonic()
    assert result.top.label == label(image)
    return Outcome(None, began, ended, timeout_s)


def in_threads(client: Client, timeouts_s: Sequence[float], *, threads: int) -> list[Outcome]:
    """A call for each of these deadlines, by so many threads at once."""
    outcomes: list[Outcome] = []

    def work(mine: Sequence[float], first: int) -> None:
        for number, timeout_s in enumerate(mine):
            outcomes.append(call(client, b"image %d.%d" % (first, number), timeout_s=timeout_s))

    workers = [threading.Thread(target=work, args=(timeouts_s[first::threads], first)) for first in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return outcomes


async def in_tasks(client: AsyncClient, timeouts_s: Sequence[float], *, tasks: int) -> list[Outcome]:
    """A call for each of these deadlines, by so many tasks at once."""
    outcomes: list[Outcome] = []

    async def work(mine: Sequence[float], first: int) -> None:
        for number, timeout_s in enumerate(mine):
            outcomes.append(await async_call(client, b"image %d.%d" % (first, number), timeout_s=timeout_s))

    await asyncio.gather(*(work(timeouts_s[first::tasks], first) for first in range(tasks)))
    return outcomes
