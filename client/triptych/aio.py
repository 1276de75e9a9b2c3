"""The asynchronous client: the same calls for one event loop."""

import asyncio
import random as randomness
import time
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar

from . import contract, health
from .calls import aio_many, batches
from .calls.aio import AioCalls, connector
from .calls.asking import EMBEDDINGS, Batch, Question, Terms, classifications, only
from .calls.batches import DEFAULT_CONCURRENCY, DEFAULT_SIZE, Numbered, Window
from .calls.releases import RELEASE, described
from .client import LEAST_S, POLL_S
from .config import Resilience
from .configured import Configured, given
from .endpoint import Endpoint
from .errors import DeadlineExceededError, ImageError, TriptychError
from .inputs.images import ImageInput
from .inputs.sides import DEFAULT_SIDE, UNTOLD
from .observing import Observer, Observers, operation_of
from .resilience.calling import Service
from .results import Classification, Embedding, Health, Release
from .settings import NOT_GIVEN, FetchUrls, NotGiven, Shrink, seconds
from .transports.access import Access, AsyncToken
from .transports.connections import LoopConnections
from .transports.headers import NO_HEADERS
from .transports.tls import Tls
from .transports.transport import AsyncTransport, InvalidArgumentError

Result = TypeVar("Result")


class AsyncClient(Configured):
    """`Client` for asyncio. Use it in one event loop, as an asynchronous context manager, or await `close`.

    It belongs to the event loop of its first call. Once that loop is closed, as `asyncio.run` does at its end, the next
    call in another one goes on with connections of its own; while it is open, calls in another raise an
    `InvalidUseError`: make a client for each loop. After a fork it is used in a new event loop of the child, over HTTP;
    over gRPC calls in the child raise an `InvalidUseError`, since an open asynchronous client keeps a thread in gRPC.
    A fork during a gRPC call that takes another half second or more can crash the child, inside gRPC.

    A caller that is cancelled is released at once. Its request ends by itself where a cancellation could harm the
    server.

    token:      as for `Client`, or a coroutine function
    connect:    makes the transport to a server; called inside the event loop
    clock, sleep, random: the time in seconds, monotonic; waiting for some; and a number in [0, 1)

    All else is as for `Client`.

    Raises:
        ValueError: a setting is out of range; so every method does. Or `url` is empty.
        InvalidSettingError: an environment variable cannot be read.
        InvalidUrlError: a URL cannot be read. Nothing is connected before the first call.
    """

    def __init__(
        self,
        url: str | Sequence[str] | NotGiven = NOT_GIVEN,
        *,
        timeout_s: float | NotGiven = NOT_GIVEN,
        top_k: int | NotGiven | None = NOT_GIVEN,
        shrink: Shrink | NotGiven = NOT_GIVEN,
        fetch_urls: FetchUrls | NotGiven = NOT_GIVEN,
        resilience: Resilience | NotGiven = NOT_GIVEN,
        tls: Tls | None = None,
        token: AsyncToken | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
        plaintext_secrets: bool = False,
        observers: Sequence[Observer] = (),
        connect: Callable[[Endpoint], AsyncTransport] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        access = Access(tls=tls, token=token, headers=headers, plaintext_secrets=plaintext_secrets)
        super().__init__(
            url,
            access,
            timeout_s=timeout_s,
            top_k=top_k,
            shrink=shrink,
            fetch_urls=fetch_urls,
            resilience=resilience,
        )
        self._given = given(
            observers=(observers, ()),
            connect=(connect, None),
            clock=(clock, time.monotonic),
            sleep=(sleep, asyncio.sleep),
            random=(random, randomness.random),
        )
        self._calls: AioCalls = AioCalls(
            service=Service(self._endpoints, self._policy, clock=clock, random=random),
            connections=LoopConnections(connect or connector(self._endpoints, self._policy, access)),
            observers=Observers(observers),
            clock=clock,
            sleep=sleep,
        )

    async def classify(
        self, image: ImageInput, *, top_k: int | None = None, timeout_s: float | None = None
    ) -> Classification:
        """The best classes of one image, at most `top_k` of the K that the release computes.

        A file is classified upright, as its EXIF orientation says; a Pillow image or an array by its pixels,
        whatever orientation it still carries: see `ImageInput`.

        Raises:
            ImageError: this image cannot be classified.
            TriptychError: the server cannot be asked; see `triptych.errors` for which and why.
        """
        results = await self._results([(0, image)], self._classifications(top_k), timeout_s)
        return only(results)

    async def embed(self, image: ImageInput, *, timeout_s: float | None = None) -> Embedding:
        """The penultimate features of one image, for search and comparison.

        Raises:
            ImageError: this image cannot be classified.
            TriptychError: the server cannot be asked.
        """
        results = await self._results([(0, image)], EMBEDDINGS, timeout_s)
        return only(results)

    def classify_many(
        self,
        images: Iterable[ImageInput] | AsyncIterable[ImageInput],
        *,
        batch_size: int = DEFAULT_SIZE,
        concurrency: int = DEFAULT_CONCURRENCY,
        ordered: bool = True,
        progress: Callable[[int], None] | None = None,
        top_k: int | None = None,
        timeout_s: float | None = None,
    ) -> AsyncGenerator[Classification | ImageError, None]:
        """Results in the order of `images`, an iterable of either kind, as in `Client.classify_many`.

        The requests under way are a task each, and `progress` is called in the event loop. Results are handed out also
        while an asynchronous iterable waits for its next image. An iterator that is closed cancels the requests under
        way, and waits until their tasks have ended.

        Raises: as `Client.classify_many`.
        """
        batches.check(images, batch_size=batch_size, concurrency=concurrency)
        window = Window[Classification](concurrency=concurrency, ordered=ordered, progress=progress)
        return self._many(images, batch_size, self._classifications(top_k), window, timeout_s)

    def embed_many(
        self,
        images: Iterable[ImageInput] | AsyncIterable[ImageInput],
        *,
        batch_size: int = DEFAULT_SIZE,
        concurrency: int = DEFAULT_CONCURRENCY,
        ordered: bool = True,
        progress: Callable[[int], None] | None = None,
        timeout_s: float | None = None,
    ) -> AsyncGenerator[Embedding | ImageError, None]:
        """Features of many images, asked for as in `classify_many`."""
        batches.check(images, batch_size=batch_size, concurrency=concurrency)
        window = Window[Embedding](concurrency=concurrency, ordered=ordered, progress=progress)
        return self._many(images, batch_size, EMBEDDINGS, window, timeout_s)

    async def release(self, *, timeout_s: float | None = None) -> Release:
        """What the next server serves: it classifies and embeds the built-in image, and is asked for its configuration.

        Raises:
            TriptychError: the server cannot be asked.
        """
        return await self._release(self._terms(timeout_s))

    async def health(self, *, timeout_s: float | None = None) -> Health:
        """Classify the built-in image and compare with the release's known answer: one attempt, at the next server.

        Never raises for a server that is down or wrong: `Health.ok` and `Health.reason` say so.
        """
        terms = self._terms(timeout_s)
        try:
            batch = Batch([(0, health.image())], classifications(None), terms, id_prefix=contract.HEALTH_ID)
            results, endpoint = await self._asked(batch, direct=True)
            answer = only(results)
            parameters = await self._parameters(endpoint, terms)
        except TriptychError as error:
            return health.of_failure(error, elapsed_s=terms.elapsed_s)
        return health.of_answer(answer, parameters, elapsed_s=terms.elapsed_s)

    async def wait_until_ready(self, timeout_s: float = 60.0) -> Health:  # slow disks included
        """Check `health` until it is good, and return it.

        Raises:
            DeadlineExceededError: it was not good within `timeout_s`; the message says what it was last.
        """
        clock = self._calls.clock
        deadline = clock() + seconds(timeout_s)
        while True:
            state = await self.health(timeout_s=max(LEAST_S, min(deadline - clock(), self._options.timeout_s)))
            if state.ok:
                return state
            if deadline - clock() <= POLL_S:
                raise DeadlineExceededError(f"not ready within {timeout_s:g} s: {state.reason}")
            await self._calls.sleep(POLL_S)

    async def close(self) -> None:
        """Release the connections; of a view, nothing. A second call does nothing."""
        if not self._is_view:
            await self._calls.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def _many(
        self,
        images: Iterable[ImageInput] | AsyncIterable[ImageInput],
        batch_size: int,
        question: Question[Result],
        window: Window[Result],
        timeout_s: float | None,
    ) -> AsyncGenerator[Result | ImageError, None]:
        self._terms(timeout_s)  # refused at once, not with the first result

        async def answer(batch: Numbered[ImageInput]) -> list[Result | ImageError]:
            return await self._results(batch, question, timeout_s)

        return aio_many.in_tasks(batches.of_async(images, size=batch_size), answer, window)

    async def _results(
        self, images: Numbered[ImageInput], question: Question[Result], timeout_s: float | None
    ) -> list[Result | ImageError]:
        terms = self._terms(timeout_s)
        side = await self._side(terms)
        if side is None and all(isinstance(image, bytes) for _, image in images):
            batch = Batch(images, question, terms)
        else:  # reading takes too long for the event loop
            batch = await asyncio.to_thread(Batch, images, question, terms, side=side)
        return (await self._asked(batch))[0]

    async def _asked(
        self, batch: Batch[Result], *, direct: bool = False
    ) -> tuple[list[Result | ImageError], Endpoint | None]:
        """The results, and the server that gave them."""
        results, endpoint = await self._outcome(batch, direct=direct)
        self._calls.observers.images(operation_of(batch.outputs, direct=direct), results)
        return results, endpoint

    async def _outcome(
        self, batch: Batch[Result], *, direct: bool
    ) -> tuple[list[Result | ImageError], Endpoint | None]:
        request = batch.request()
        if request is None:
            return batch.unsent(), None
        try:
            answered = await self._calls.answered(request, direct=direct)
        except InvalidArgumentError as error:
            return batch.refused(error), None
        self._sides.saw(answered.response.response.model_version)
        return batch.answered(answered), answered.endpoint

    async def _release(self, terms: Terms) -> Release:
        results, endpoint = await self._asked(
            Batch([(0, health.image())], RELEASE, terms, id_prefix=contract.HEALTH_ID)
        )
        return described(only(results), await self._parameters(endpoint, terms))

    async def _side(self, terms: Terms) -> int | None:
        """What the shorter side of a large photograph keeps; None where it is sent as it is."""
        if not self._sides.must_ask(self._options.shrink):
            return self._sides.side(self._options.shrink)
        try:
            return self._sides.learned(await self._release(terms))
        except UNTOLD:
            return DEFAULT_SIDE

    async def _parameters(self, endpoint: Endpoint | None, terms: Terms) -> Mapping[str, str] | None:
        return (
            None
            if endpoint is None
            else await self._calls.parameters(endpoint, timeout_s=terms.left_s(least_s=LEAST_S))
        )
