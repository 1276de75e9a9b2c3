"""Requests of many images in tasks of an event loop."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeAlias, TypeVar

from ..errors import ImageError
from .batches import Numbered, Window

Image = TypeVar("Image")
Result = TypeVar("Result")

Results: TypeAlias = list[Result | ImageError]


async def in_tasks(
    batches: AsyncGenerator[Numbered[Image], None],
    answer: Callable[[Numbered[Image]], Awaitable[Results[Result]]],
    window: Window[Result],
) -> AsyncGenerator[Result | ImageError, None]:
    """The results of several requests at once, handed out also while the next batch is waited for.

    When it ends, however it does, no task is left.
    """
    requests: dict[asyncio.Task[Results[Result]], int] = {}
    reader: asyncio.Task[Numbered[Image] | None] | None = None
    failure: Exception | None = None
    more = True
    try:
        while True:
            if more and reader is None and window.has_room:
                reader = asyncio.create_task(_next(batches))
            waiting = {*requests, *([reader] if reader else [])}
            if not waiting:
                break
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if reader is not None and reader.done():
                batch = None
                try:
                    batch = reader.result()
                except Exception as error:  # the caller's own, after what was read before
                    failure = error
                reader, more = None, batch is not None
                if batch is not None:
                    requests[asyncio.create_task(_results(answer, batch))] = window.begin()
            for request in [each for each in requests if each.done()]:
                for result in window.end(requests.pop(request), request.result()):
                    yield result
    finally:
        left = [*requests, *([reader] if reader else [])]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await batches.aclose()
    if failure is not None:
        raise failure


async def _next(batches: AsyncGenerator[Numbered[Image], None]) -> Numbered[Image] | None:
    return await anext(batches, None)


async def _results(
    answer: Callable[[Numbered[Image]], Awaitable[Results[Result]]], batch: Numbered[Image]
) -> Results[Result]:
    return await answer(batch)
