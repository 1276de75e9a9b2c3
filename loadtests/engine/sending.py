"""Requests under way, and the sample of each."""

import asyncio
import math
from collections.abc import Callable, Coroutine, Iterator, Sequence
from itertools import islice
from typing import Any

from loadtests.pictures import Picture
from loadtests.profiles import Stage
from loadtests.records.sample import DROPPED, GOOD, Sample
from loadtests.users.asking import Asker


class Sender:
    """Sends one request after the other, or many at once. For one event loop.

    clock: seconds since the run's beginning
    """

    def __init__(self, asker: Asker, pictures: Iterator[Picture], *, protocol: str, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.sent = self.dropped = self.good = 0
        self._asker = asker
        self._pictures = pictures
        self._protocol = protocol
        self._samples: list[Sample] = []
        self._under_way: set[asyncio.Task[None]] = set()

    @property
    def in_flight(self) -> int:
        """Requests of an open loop under way, and users of a closed one."""
        return len(self._under_way)

    def take_samples(self) -> list[Sample]:
        """Those since the last time."""
        taken, self._samples = self._samples, []
        return taken

    async def send(self, stage: Stage, intended_s: float | None = None) -> None:
        """One request, to its end; intended now where no time is given."""
        pictures = self._drawn(stage)
        self.sent += 1
        sent_s = self.clock()
        asked = await self._asker.ask(pictures)
        done_s = self.clock()
        self.good += asked.code in GOOD
        due_s = sent_s if intended_s is None else intended_s
        self._samples.append(
            Sample(stage.name, self._protocol, *_named(pictures, asked.code, asked.release), due_s, sent_s, done_s)
        )

    def begin(self, stage: Stage, intended_s: float, *, most_under_way: int) -> None:
        """Begin one request of an open loop, and do not wait for it; drop it where too many are under way."""
        if len(self._under_way) >= most_under_way:
            self.dropped += 1
            named = _named(self._drawn(stage), DROPPED, 0)
            self._samples.append(Sample(stage.name, self._protocol, *named, intended_s, math.nan, math.nan))
            return
        self.keep(self.send(stage, intended_s))

    def keep(self, sending: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let it run beside the others."""
        task = asyncio.create_task(sending)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def finish(self) -> None:
        """Wait for all that are under way; each ends by its own deadline."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    def _drawn(self, stage: Stage) -> tuple[Picture, ...]:
        return tuple(islice(self._pictures, stage.images))


def _named(pictures: Sequence[Picture], code: str, release: int) -> tuple[str, str, int, int, int]:
    """What a sample says of its request, from `picture` to `sent_bytes`."""
    first = pictures[0]
    if len(pictures) == 1:
        return first.name, code, release, 1, len(first.data)
    names = {picture.name for picture in pictures}
    name = first.name if len(names) == 1 else f"{len(names)} kinds"
    return name, code, release, len(pictures), sum(len(picture.data) for picture in pictures)
