"""Which requests of many images are under way, and whose results come next. No I/O but reading from an iterable."""

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Iterator
from typing import Final, Generic, TypeAlias, TypeVar

from .. import contract
from ..errors import ImageError

Image = TypeVar("Image")
Result = TypeVar("Result")

Numbered: TypeAlias = list[tuple[int, Image]]
"""Images with their places in the call."""

DEFAULT_SIZE: Final = 8  # the work of one request stays near 100 ms on one core
DEFAULT_CONCURRENCY: Final = 2  # one is read and sent while the other is worked on
MOST_CONCURRENCY: Final = 64  # connections that a transport keeps open

_AHEAD = 2  # of those that are under way: answered, and waiting for one before them


class Window(Generic[Result]):
    """At most `concurrency` requests under way, and twice as many whose results are not handed out.

    ordered:  results in the order of the images; else as they come
    progress: is called with how many images are done, whenever some are
    """

    def __init__(self, *, concurrency: int, ordered: bool, progress: Callable[[int], None] | None) -> None:
        self.concurrency = concurrency
        self._ordered = ordered
        self._progress = progress
        self._begun = 0
        self._next = 0  # the first that is not handed out, where they are ordered
        self._under_way = 0
        self._answered: dict[int, list[Result | ImageError]] = {}
        self._done = 0

    @property
    def has_room(self) -> bool:
        """Whether another request may begin."""
        return self._under_way < self.concurrency and self._under_way + len(self._answered) < _AHEAD * self.concurrency

    @property
    def waits(self) -> bool:
        """Whether a request is under way."""
        return self._under_way > 0

    def begin(self) -> int:
        """Another request begins; its number."""
        self._under_way += 1
        self._begun += 1
        return self._begun - 1

    def end(self, number: int, results: list[Result | ImageError]) -> list[Result | ImageError]:
        """A request was answered; the results that are to be handed out now."""
        self._under_way -= 1
        self._answered[number] = results
        self._done += len(results)
        if self._progress:
            self._progress(self._done)
        if not self._ordered:
            return self._answered.pop(number)
        ready: list[Result | ImageError] = []
        while self._next in self._answered:
            ready += self._answered.pop(self._next)
            self._next += 1
        return ready


def check(images: object, *, batch_size: int, concurrency: int) -> None:
    """Refuse what is no iterable of images, and what is no size or number of requests.

    Raises:
        TypeError, ValueError: so it is.
    """
    single = isinstance(images, str | bytes | bytearray | memoryview) or hasattr(images, "read")
    if single or not isinstance(images, Iterable | AsyncIterable):
        raise TypeError("images must be an iterable of images; for a single one use classify or embed")
    if not 1 <= batch_size <= contract.MAX_BATCH_SIZE:
        raise ValueError(f"batch_size must be 1 to {contract.MAX_BATCH_SIZE}, not {batch_size}")
    if not 1 <= concurrency <= MOST_CONCURRENCY:
        raise ValueError(f"concurrency must be 1 to {MOST_CONCURRENCY}, not {concurrency}")


def of(images: Iterable[Image], *, size: int) -> Iterator[Numbered[Image]]:
    """The images in batches, each read when it is asked for.

    Where reading fails, what was read before still comes, and then the failure.
    """
    some: Numbered[Image] = []
    try:
        for numbered in enumerate(images):
            some.append(numbered)
            if len(some) == size:
                yield some
                some = []
    except Exception:
        if some:
            yield some
        raise
    if some:
        yield some


async def of_async(
    images: Iterable[Image] | AsyncIterable[Image], *, size: int
) -> AsyncGenerator[Numbered[Image], None]:
    """The same of an iterable of either kind."""
    if not isinstance(images, AsyncIterable):
        for batch in of(images, size=size):
            yield batch
        return
    some: Numbered[Image] = []
    index = 0
    try:
        async for image in images:
            some.append((index, image))
            index += 1
            if len(some) == size:
                yield some
                some = []
    except Exception:
        if some:
            yield some
        raise
    if some:
        yield some
