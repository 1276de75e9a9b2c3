"""Requests of many images in threads."""

import os
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import Final, TypeAlias, TypeVar

from ..errors import ImageError, InvalidUseError
from .batches import Numbered, Window

Image = TypeVar("Image")
Result = TypeVar("Result")

Results: TypeAlias = list[Result | ImageError]

_FORKED: Final = (
    "this iterator began in the parent process, whose threads send its requests; call classify_many or embed_many "
    "in the process that uses the results"
)


def in_turn(
    batches: Iterator[Numbered[Image]],
    answer: Callable[[Numbered[Image]], Results[Result]],
    window: Window[Result],
) -> Generator[Result | ImageError, None, None]:
    """The results of one request after the other, in the caller's thread."""
    for batch in batches:
        number = window.begin()
        yield from window.end(number, answer(batch))


def in_threads(
    batches: Iterator[Numbered[Image]],
    answer: Callable[[Numbered[Image]], Results[Result]],
    window: Window[Result],
) -> Generator[Result | ImageError, None, None]:
    """The results of several requests at once. Batches are read in the caller's thread.

    When it ends, however it does, the requests under way have ended and the threads are gone.

    Raises:
        InvalidUseError: this process is a fork of the one in which the iterator began.
    """
    process = os.getpid()
    ended: SimpleQueue[tuple[int, Future[Results[Result]]]] = SimpleQueue()
    failure: Exception | None = None
    more = True
    with ThreadPoolExecutor(window.concurrency, "triptych") as pool:
        while True:
            while more and window.has_room:
                try:
                    batch = next(batches, None)
                except Exception as error:  # the caller's own, after what was read before
                    batch, failure = None, error
                if batch is None:
                    more = False
                    break
                number = window.begin()
                future = pool.submit(copy_context().run, answer, batch)  # with the caller's trace
                future.add_done_callback(partial(_tell, ended, number))
            if not window.waits:
                break
            number, future = ended.get()
            for result in window.end(number, future.result()):
                yield result
                if os.getpid() != process:
                    raise InvalidUseError(_FORKED)
    if failure is not None:
        raise failure


def _tell(
    ended: SimpleQueue[tuple[int, Future[Results[Result]]]], number: int, future: Future[Results[Result]]
) -> None:
    ended.put((number, future))
