"""What many calls at once leave in a process of their own: `footprint.py CLIENT GRPC_ADDRESS HTTP_ADDRESS`.

Prints a JSON object: the most memory that two waves of calls took, in bytes, beyond what a single call takes, and the
file descriptors that were open after the first wave and after the second, beyond those of a single call.
"""

import asyncio
import json
import os
import resource
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.raw_clients import RawAsyncGrpc, RawAsyncHttp, RawGrpc, RawHttpPool
from descriptors import descriptors
from triptych import AsyncClient, Client

THREADS = 64
CALLS_A_THREAD = 8
TASKS = 1000
IMAGE = os.urandom(60_000)


def in_threads(client: Any) -> Iterator[None]:
    """One call; 64 threads with 8 calls each; and these again."""
    client.classify(IMAGE)
    yield
    for _ in range(2):
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(client.classify, [IMAGE] * THREADS * CALLS_A_THREAD))
        yield
    client.close()


def at_once(make: Callable[[], Any]) -> Iterator[None]:
    """One call; 1,000 calls at once; and these again."""
    with asyncio.Runner() as runner:
        client = runner.run(_made(make))
        runner.run(client.classify(IMAGE))
        yield
        for _ in range(2):
            runner.run(_wave(client))
            yield
        runner.run(client.close())


async def _made(make: Callable[[], Any]) -> Any:
    return make()


async def _wave(client: Any) -> None:
    await asyncio.gather(*(client.classify(IMAGE) for _ in range(TASKS)))


def main(kind: str, grpc: str, http: str) -> None:
    waves: dict[str, Callable[[], Iterator[None]]] = {
        "threads-grpc-sdk": lambda: in_threads(Client(f"grpc://{grpc}")),
        "threads-grpc-raw": lambda: in_threads(RawGrpc(grpc)),
        "threads-http-sdk": lambda: in_threads(Client(f"http://{http}")),
        "threads-http-raw": lambda: in_threads(RawHttpPool(http)),
        "tasks-grpc-sdk": lambda: at_once(lambda: AsyncClient(f"grpc://{grpc}")),
        "tasks-grpc-raw": lambda: at_once(lambda: RawAsyncGrpc(grpc)),
        "tasks-http-sdk": lambda: at_once(lambda: AsyncClient(f"http://{http}")),
        "tasks-http-raw": lambda: at_once(lambda: RawAsyncHttp(http)),
    }
    (bare, first_bytes), (first, _), (second, most_bytes) = [(descriptors(), _most_bytes()) for _ in waves[kind]()]
    print(json.dumps({"bytes": most_bytes - first_bytes, "first": first - bare, "second": second - bare}))


def _most_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
