"""The same calls by either client, over either protocol."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import copy_context
from operator import attrgetter
from typing import Any, TypeAlias

import pytest

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
PROTOCOLS: Mapping[str, Callable[[Any], str]] = {"grpc": attrgetter("grpc_url"), "http": attrgetter("http_url")}
"""Name -> the URL of a server, whichever has both."""


@pytest.fixture(params=CALLERS)
def caller(request: pytest.FixtureRequest) -> Caller:
    """Either client."""
    return CALLERS[request.param]


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> str:
    """Either protocol."""
    return str(request.param)
