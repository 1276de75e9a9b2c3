"""The asynchronous client: the same calls for one event loop."""

import asyncio
import random as randomness
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TypeVar

from . import asking, health
from .asking import EMBEDDINGS, Batch, Question, classifications, only
from .calling import Answered, Attempt, Course, Ended, Service, Start
from .client import DEFAULT_TIMEOUT_S, DEFAULT_URL, LEAST_S, POLL_S, UNREADABLE
from .config import Resilience
from .connections import Connections
from .endpoint import Endpoint
from .errors import DeadlineExceededError, ImageError, TriptychError
from .images import ImageInput
from .results import Classification, Embedding, Health
from .transport import AsyncTransport, InferRequest, InferResponse, InvalidArgumentError

Result = TypeVar("Result")


class AsyncClient:
    """`Client` for asyncio. Use it in one event loop, as an asynchronous context manager, or await `close`.

    A caller that is cancelled is released at once. Its request ends by itself where a cancellation could harm the
    server.

    url, timeout_s, resilience: as for `Client`
    connect:    makes the transport to a server; called inside the event loop
    clock, sleep, random: the time in seconds, monotonic; waiting for some; and a number in [0, 1)

    Raises:
        ValueError: `timeout_s` is not a positive number; so every method does. Or `url` is empty.
        InvalidUrlError: a URL cannot be read. Nothing is connected before the first call.
    """

    def __init__(
        self,
        url: str | Sequence[str] = DEFAULT_URL,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        resilience: Resilience = Resilience(),  # noqa: B008  frozen
        connect: Callable[[Endpoint], AsyncTransport] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        self._timeout_s = asking.seconds(timeout_s)
        self._clock = clock
        self._sleep = sleep
        endpoints = Endpoint.from_urls(url)
        self._service = Service(endpoints, resilience, clock=clock, random=random)
        self._connections = Connections(connect or connector(endpoints, resilience))
        self._sent: set[asyncio.Task[Ended[InferResponse]]] = set()  # hedges under way; the loop itself holds no task

    async def classify(
        self, image: ImageInput, *, top_k: int | None = None, timeout_s: float | None = None
    ) -> Classification:
        """The best classes of one image, at most `top_k` of the K that the release computes.

        Raises:
            ImageError: this image cannot be classified.
            TriptychError: the server cannot be asked; see `triptych.errors` for which and why.
        """
        batch = await _batch([(0, image)], classifications(top_k))
        results = await self._results(batch, self._seconds(timeout_s))
        return only(results)

    def classify_many(
        self,
        images: Iterable[ImageInput] | AsyncIterable[ImageInput],
        *,
        batch_size: int = 8,
        top_k: int | None = None,
        timeout_s: float | None = None,
    ) -> AsyncIterator[Classification | ImageError]:
        """Results in the order of `images`, an `ImageError` in the place of each that failed.

        One request holds up to `batch_size` images (at most 32) and may take `timeout_s`. Images are
        read as they are needed, so the iterable, synchronous or not, may be endless.

        Raises:
            TypeError: `images` is a single path or the bytes of a single image.
            ValueError: `batch_size` or `top_k` out of range.
            TriptychError: the server cannot be asked. Results handed out before stay valid.
        """
        asking.check_many(images, batch_size)
        return self._in_batches(images, batch_size, classifications(top_k), self._seconds(timeout_s))

    async def embed(self, image: ImageInput, *, timeout_s: float | None = None) -> Embedding:
        """The penultimate features of one image, for search and comparison.

        Raises:
            ImageError: this image cannot be classified.
            TriptychError: the server cannot be asked.
        """
        batch = await _batch([(0, image)], EMBEDDINGS)
        results = await self._results(batch, self._seconds(timeout_s))
        return only(results)

    async def health(self, *, timeout_s: float | None = None) -> Health:
        """Classify the built-in image and compare with the release's known answer: one attempt, at the next server.

        Never raises for a server that is down or wrong: `Health.ok` and `Health.reason` say so.
        """
        timeout_s = self._seconds(timeout_s)
        started = self._clock()
        batch = Batch([(0, health.image())], classifications(None))
        try:
            results, endpoint = await self._asked(batch, timeout_s, direct=True)
            answer = only(results)
            left_s = started + timeout_s - self._clock()
            parameters = await self._parameters(endpoint, max(left_s, LEAST_S))
        except TriptychError as error:
            return health.of_failure(error, elapsed_s=self._clock() - started)
        return health.of_answer(answer, parameters, elapsed_s=self._clock() - started)

    async def wait_until_ready(self, timeout_s: float = 60.0) -> Health:
        """Check `health` until it is good, and return it.

        Raises:
            DeadlineExceededError: it was not good within `timeout_s`; the message says what it was last.
        """
        deadline = self._clock() + asking.seconds(timeout_s)
        while True:
            state = await self.health(timeout_s=max(LEAST_S, min(deadline - self._clock(), self._timeout_s)))
            if state.ok:
                return state
            if deadline - self._clock() <= POLL_S:
                raise DeadlineExceededError(f"not ready within {timeout_s:g} s: {state.reason}")
            await self._sleep(POLL_S)

    async def close(self) -> None:
        """Release the connections; a second call does nothing."""
        for transport in self._connections.close():
            await transport.close()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def _seconds(self, timeout_s: float | None) -> float:
        return self._timeout_s if timeout_s is None else asking.seconds(timeout_s)

    async def _in_batches(
        self,
        images: Iterable[ImageInput] | AsyncIterable[ImageInput],
        batch_size: int,
        question: Question[Result],
        timeout_s: float,
    ) -> AsyncIterator[Result | ImageError]:
        some: list[tuple[int, ImageInput]] = []
        async for numbered in _numbered(images):
            some.append(numbered)
            if len(some) == batch_size:
                for result in await self._results(await _batch(some, question), timeout_s):
                    yield result
                some = []
        if some:
            for result in await self._results(await _batch(some, question), timeout_s):
                yield result

    async def _results(self, batch: Batch[Result], timeout_s: float) -> list[Result | ImageError]:
        return (await self._asked(batch, timeout_s))[0]

    async def _asked(
        self, batch: Batch[Result], timeout_s: float, *, direct: bool = False
    ) -> tuple[list[Result | ImageError], Endpoint | None]:
        """The results, and the server that gave them."""
        request = batch.request(timeout_s=timeout_s)
        if request is None:
            return batch.unsent(), None
        started = self._clock()
        try:
            answered = await self._answered(request, direct=direct)
        except InvalidArgumentError as error:
            return batch.refused(error), None
        elapsed_s = self._clock() - started
        results = batch.answered(answered.response, request, elapsed_s=elapsed_s, attempts=answered.attempts)
        return results, answered.endpoint

    async def _answered(self, request: InferRequest, *, direct: bool) -> Answered[InferResponse]:
        self._connections.check_open()
        course: Course[InferResponse] = self._service.call(timeout_s=request.timeout_s, direct=direct)
        if self._service.renames:
            for transport in self._connections.outlived(self._service.endpoints, self._clock()):
                await transport.close()

        async def send(attempt: Attempt) -> Ended[InferResponse]:
            try:
                transport = self._connections.to(attempt.endpoint)
                response = await transport.infer(replace(request, timeout_s=attempt.timeout_s))
            except TriptychError as error:
                return self._service.ended(attempt, error=error)
            return self._service.ended(attempt, response=response)

        return await (self._hedged(course, send) if self._service.hedges else self._in_turn(course, send))

    async def _in_turn(
        self, course: Course[InferResponse], send: Callable[[Attempt], Awaitable[Ended[InferResponse]]]
    ) -> Answered[InferResponse]:
        """Drive a course of one attempt at a time."""
        outcome: Ended[InferResponse] | None = None
        ended: Ended[InferResponse] | None = None
        try:
            while True:
                step = course.send(outcome)
                outcome = None
                if isinstance(step, Start):
                    ended = await send(step.attempt)
                elif ended is not None:
                    outcome, ended = ended, None
                else:
                    await self._sleep(max(0.0, step.until - self._clock()))
        except StopIteration as stop:
            answered: Answered[InferResponse] = stop.value
            return answered

    async def _hedged(
        self,
        course: Course[InferResponse],
        send: Callable[[Attempt], Awaitable[Ended[InferResponse]]],
    ) -> Answered[InferResponse]:
        """Drive a course of several attempts at once, a task each; those that lose end at the call's deadline."""
        outcome: Ended[InferResponse] | None = None
        ended: asyncio.Queue[Ended[InferResponse]] = asyncio.Queue()

        async def sent(attempt: Attempt) -> Ended[InferResponse]:
            one = await send(attempt)
            ended.put_nowait(one)
            return one

        try:
            while True:
                step = course.send(outcome)
                outcome = None
                if isinstance(step, Start):
                    task = asyncio.create_task(sent(step.attempt))
                    self._sent.add(task)
                    task.add_done_callback(self._sent.discard)
                else:
                    try:
                        async with asyncio.timeout(max(0.0, step.until - self._clock())):
                            outcome = await ended.get()
                    except TimeoutError:
                        outcome = None
        except StopIteration as stop:
            answered: Answered[InferResponse] = stop.value
            return answered

    async def _parameters(self, endpoint: Endpoint | None, timeout_s: float) -> Mapping[str, str] | None:
        if endpoint is None:
            return None
        try:
            return await self._connections.to(endpoint).parameters(timeout_s=timeout_s)
        except UNREADABLE:
            return None


def connector(endpoints: Sequence[Endpoint], policy: Resilience) -> Callable[[Endpoint], AsyncTransport]:
    """What connects to these, inside the event loop."""
    if any(endpoint.is_grpc for endpoint in endpoints):
        from .aio_grpc_transport import AioGrpcTransport
    if not all(endpoint.is_grpc for endpoint in endpoints):
        from .aio_http_transport import AioHttpTransport

    def connect(endpoint: Endpoint) -> AsyncTransport:
        return AioGrpcTransport(endpoint, policy) if endpoint.is_grpc else AioHttpTransport(endpoint, policy)

    return connect


async def _batch(images: Sequence[tuple[int, ImageInput]], question: Question[Result]) -> Batch[Result]:
    """Read the images, elsewhere than in the event loop where that takes long."""
    if all(isinstance(image, bytes) for _, image in images):
        return Batch(images, question)
    return await asyncio.to_thread(Batch, images, question)


async def _numbered(images: Iterable[ImageInput] | AsyncIterable[ImageInput]) -> AsyncIterator[tuple[int, ImageInput]]:
    if isinstance(images, AsyncIterable):
        index = 0
        async for image in images:
            yield index, image
            index += 1
        return
    for index, image in enumerate(images):
        yield index, image
