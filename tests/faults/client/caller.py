"""Calls a server from a process of its own, and says what became of that: `caller.py URL DEADLINE_S CALLS`."""

import asyncio
import json
import sys
import time
from collections import Counter

from descriptors import descriptors
from triptych import AsyncClient, Client, TriptychError
from triptych.health import image


class Calls:
    """The same calls by the synchronous client one after another, and by the asynchronous one at once."""

    def __init__(self, url: str, *, deadline_s: float, count: int) -> None:
        self._url = url
        self._deadline_s = deadline_s
        self._count = count
        self.outcomes: Counter[str] = Counter()
        self.seconds: list[float] = []

    def make(self) -> None:
        with Client(self._url, timeout_s=self._deadline_s) as client:
            for _ in range(self._count):
                began = time.monotonic()
                try:
                    client.classify(image())
                    self._note("answered", began)
                except TriptychError as error:
                    self._note(type(error).__name__, began)
        asyncio.run(self._make_at_once())

    async def _make_at_once(self) -> None:
        async with AsyncClient(self._url, timeout_s=self._deadline_s) as client:
            await asyncio.gather(*(self._make_one(client) for _ in range(self._count)))

    async def _make_one(self, client: AsyncClient) -> None:
        began = time.monotonic()
        try:
            await client.classify(image())
            self._note("answered", began)
        except TriptychError as error:
            self._note(type(error).__name__, began)

    def _note(self, outcome: str, began: float) -> None:
        self.outcomes[outcome] += 1
        self.seconds.append(time.monotonic() - began)


def main(url: str, deadline_s: float, count: int) -> None:
    # gRPC keeps what it once needed; the second round must need no more.
    bare = descriptors()
    Calls(url, deadline_s=deadline_s, count=count).make()
    before = descriptors(at_most=bare + 8)
    calls = Calls(url, deadline_s=deadline_s, count=count)
    calls.make()
    left = descriptors(at_most=before) - before
    print(
        json.dumps({"outcomes": calls.outcomes, "slowest_s": max(calls.seconds), "left": left, "kept": before - bare})
    )


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
