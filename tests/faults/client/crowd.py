"""Asks a `FakeServer` for unique images from a process of its own: `crowd.py HOW URL THREADS IMAGES`.

HOW is `threads` or `tasks`; `leaky` plants a leak.
"""

import asyncio
import gc
import json
import os
import sys
import threading
from pathlib import Path

from descriptors import descriptors
from triptych import AsyncClient, Classification, Client
from triptych.testing import label

BATCH = 8
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Crowd:
    """Many at once, each with images of its own; counts answers of somebody else's."""

    def __init__(self, *, leaky: bool) -> None:
        self._lock = threading.Lock()
        self._kept: list[bytes] | None = [] if leaky else None
        self.right = 0
        self.swapped = 0

    def in_threads(self, url: str, count: int, images: int) -> None:
        with Client(url, timeout_s=60.0) as client:
            threads = [threading.Thread(target=self._ask, args=(client, each, images)) for each in range(count)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    async def in_tasks(self, url: str, count: int, images: int) -> None:
        async with AsyncClient(url, timeout_s=60.0) as client:
            for number in range(images):
                await asyncio.gather(*(self._ask_one(client, b"%d.%d" % (each, number)) for each in range(count)))

    def _ask(self, client: Client, thread: int, count: int) -> None:
        images = [b"%d.%d" % (thread, number) for number in range(count)]
        answers = client.classify_many(images, batch_size=BATCH, concurrency=1)
        for image, answer in zip(images, answers, strict=True):
            assert isinstance(answer, Classification)
            self._note(image, answer)

    async def _ask_one(self, client: AsyncClient, image: bytes) -> None:
        self._note(image, await client.classify(image))

    def _note(self, image: bytes, answer: Classification) -> None:
        with self._lock:
            right = answer.top.label == label(image)
            self.right += right
            self.swapped += not right
            if self._kept is not None:
                self._kept.append(bytes(1024))


def resident_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES


def main(how: str, url: str, count: int, images: int) -> None:
    crowd = Crowd(leaky=how == "leaky")

    def go(each: int) -> None:
        if how == "tasks":
            asyncio.run(crowd.in_tasks(url, count, each))
        else:
            crowd.in_threads(url, count, each)

    bare = descriptors()
    go(max(1, images // 4))  # what it needs once, it keeps
    before = descriptors(at_most=bare + 8), threading.active_count(), resident_bytes()
    crowd.right = crowd.swapped = 0
    go(images)
    after = descriptors(at_most=before[0]), threading.active_count(), resident_bytes()
    more = [later - earlier for earlier, later in zip(before, after, strict=True)]
    print(json.dumps({"right": crowd.right, "swapped": crowd.swapped, "more": more}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
