"""The same calls by either client."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import copy_context
from typing import Any, TypeAlias

from triptych import AsyncClient, Classification, Client

Classify: TypeAlias = Callable[[bytes], Classification]
Caller: TypeAlias = Callable[..., AbstractContextManager[Classify]]
"""(url, settings of the client) -> what classifies an image."""


@contextmanager
def _synchronous(url: str, **settings: Any) -> Iterator[Classify]:
    with Client(url, **settings) as client:
        yield client.classify


@contextmanager
def _asynchronous(url: str, **settings: Any) -> Iterator[Classify]:
    with asyncio.Runner() as runner:
        client = AsyncClient(url, **settings)
        try:
            yield lambda image: runner.run(client.classify(image), context=copy_context())
        finally:
            runner.run(client.close())


CALLERS: Mapping[str, Caller] = {"sync": _synchronous, "async": _asynchronous}
EITHER = tuple(CALLERS)
PROTOCOLS = ("grpc", "http")
