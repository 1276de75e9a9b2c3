"""The synchronous client: reads images, sends requests, hands out results."""

import queue
import random as randomness
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from types import TracebackType
from typing import Final, TypeVar

from . import asking, health
from .asking import EMBEDDINGS, LONGEST_TIMEOUT_S, Batch, Question, classifications, only
from .calling import Answered, Attempt, Course, Ended, Service, Start
from .config import Resilience
from .connections import Connections
from .endpoint import Endpoint
from .errors import (
    DeadlineExceededError,
    ImageError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    TriptychError,
)
from .images import ImageInput
from .results import Classification, Embedding, Health
from .transport import InferRequest, InferResponse, InvalidArgumentError, Transport

__all__ = ["DEFAULT_TIMEOUT_S", "DEFAULT_URL", "LONGEST_TIMEOUT_S", "Client", "connector"]

Result = TypeVar("Result")

DEFAULT_URL: Final = "grpc://localhost:8001"  # Triton's own port
DEFAULT_TIMEOUT_S: Final = 10.0  # a hundred times a usual answer, and still a time that people wait

POLL_S: Final = 0.1  # between two health checks while waiting: short against any start-up
LEAST_S: Final = 0.1  # what a last check gets, however late it is

UNREADABLE: Final = (PermissionDeniedError, NotFoundError, ProtocolError, InvalidArgumentError)
"""What the configuration ends with at an edge that lets only inference in: refused, hidden or unknown."""


class Client:
    """Asks one Triptych server, or several that serve the same. Thread-safe; a context manager, or call `close`.

    url:        `grpc://HOST:PORT`, `grpcs://…`, `http://…` or `https://…`; or several of them, asked in turn; or
                `dns:///NAME:PORT` for gRPC to every address of a name (`dns+http:///…` and so on for the others)
    timeout_s:  seconds that one request may take, retries and all, unless the call says otherwise
    resilience: what is done about failure; see `triptych.config`
    connect:    makes the transport to a server
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
        connect: Callable[[Endpoint], Transport] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        self._timeout_s = asking.seconds(timeout_s)
        self._clock = clock
        self._sleep = sleep
        endpoints = Endpoint.from_urls(url)
        self._service = Service(endpoints, resilience, clock=clock, random=random)
        self._connections = Connections(connect or connector(endpoints, resilience))

    def classify(
        self, image: ImageInput, *, top_k: int | None = None, timeout_s: float | None = None
    ) -> Classification:
        """The best classes of one image, at most `top_k` of the K that the release computes.

        Raises:
            ImageError: this image cannot be classified.
            TriptychError: the server cannot be asked; see `triptych.errors` for which and why.
        """
        batch = Batch([(0, image)], classifications(top_k))
        results = self._results(batch, self._seconds(timeout_s))
        return only(results)

    def classify_many(
        self,
        images: Iterable[ImageInput],
        *,
        batch_size: int = 8,  # the work of one request stays near 100 ms on one core
        top_k: int | None = None,
        timeout_s: float | None = None,
    ) -> Iterator[Classification | ImageError]:
        """Results in the order of `images`, an `ImageError` in the place of each that failed.

        One request holds up to `batch_size` images (at most 32) and may take `timeout_s`. Images are
        read as they are needed, so the iterable may be endless.

        Raises:
            TypeError: `images` is a single path or the bytes of a single image.
            ValueError: `batch_size` or `top_k` out of range.
            TriptychError: the server cannot be asked. Results handed out before stay valid.
        """
        asking.check_many(images, batch_size)
        return self._in_batches(images, batch_size, classifications(top_k), self._seconds(timeout_s))

    def embed(self, image: ImageInput, *, timeout_s: float | None = None) -> Embedding:
        """The penultimate features of one image, for search and comparison.

        Raises:
            ImageError: this image cannot be classified.
            TriptychError: the server cannot be asked.
        """
        results = self._results(Batch([(0, image)], EMBEDDINGS), self._seconds(timeout_s))
        return only(results)

    def health(self, *, timeout_s: float | None = None) -> Health:
        """Classify the built-in image and compare with the release's known answer: one attempt, at the next server.

        Never raises for a server that is down or wrong: `Health.ok` and `Health.reason` say so.
        """
        timeout_s = self._seconds(timeout_s)
        started = self._clock()
        batch = Batch([(0, health.image())], classifications(None))
        try:
            results, endpoint = self._asked(batch, timeout_s, direct=True)
            answer = only(results)
            left_s = started + timeout_s - self._clock()
            parameters = self._parameters(endpoint, max(left_s, LEAST_S))
        except TriptychError as error:
            return health.of_failure(error, elapsed_s=self._clock() - started)
        return health.of_answer(answer, parameters, elapsed_s=self._clock() - started)

    def wait_until_ready(self, timeout_s: float = 60.0) -> Health:  # slow disks included
        """Check `health` until it is good, and return it.

        Raises:
            DeadlineExceededError: it was not good within `timeout_s`; the message says what it was last.
        """
        deadline = self._clock() + asking.seconds(timeout_s)
        while True:
            state = self.health(timeout_s=max(LEAST_S, min(deadline - self._clock(), self._timeout_s)))
            if state.ok:
                return state
            if deadline - self._clock() <= POLL_S:
                raise DeadlineExceededError(f"not ready within {timeout_s:g} s: {state.reason}")
            self._sleep(POLL_S)

    def close(self) -> None:
        """Release the connections; a second call does nothing."""
        for transport in self._connections.close():
            transport.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _seconds(self, timeout_s: float | None) -> float:
        return self._timeout_s if timeout_s is None else asking.seconds(timeout_s)

    def _in_batches(
        self, images: Iterable[ImageInput], batch_size: int, question: Question[Result], timeout_s: float
    ) -> Iterator[Result | ImageError]:
        numbered = iter(enumerate(images))
        while some := list(islice(numbered, batch_size)):
            yield from self._results(Batch(some, question), timeout_s)

    def _results(self, batch: Batch[Result], timeout_s: float) -> list[Result | ImageError]:
        return self._asked(batch, timeout_s)[0]

    def _asked(
        self, batch: Batch[Result], timeout_s: float, *, direct: bool = False
    ) -> tuple[list[Result | ImageError], Endpoint | None]:
        """The results, and the server that gave them."""
        request = batch.request(timeout_s=timeout_s)
        if request is None:
            return batch.unsent(), None
        started = self._clock()
        try:
            answered = self._answered(request, direct=direct)
        except InvalidArgumentError as error:
            return batch.refused(error), None
        elapsed_s = self._clock() - started
        results = batch.answered(answered.response, request, elapsed_s=elapsed_s, attempts=answered.attempts)
        return results, answered.endpoint

    def _answered(self, request: InferRequest, *, direct: bool) -> Answered[InferResponse]:
        self._connections.check_open()
        course: Course[InferResponse] = self._service.call(timeout_s=request.timeout_s, direct=direct)
        if self._service.renames:
            for transport in self._connections.outlived(self._service.endpoints, self._clock()):
                transport.close()

        def send(attempt: Attempt) -> Ended[InferResponse]:
            try:
                transport = self._connections.to(attempt.endpoint)
                response = transport.infer(replace(request, timeout_s=attempt.timeout_s))
            except TriptychError as error:
                return self._service.ended(attempt, error=error)
            return self._service.ended(attempt, response=response)

        return self._hedged(course, send) if self._service.hedges else self._in_turn(course, send)

    def _in_turn(
        self, course: Course[InferResponse], send: Callable[[Attempt], Ended[InferResponse]]
    ) -> Answered[InferResponse]:
        """Drive a course of one attempt at a time, in this thread."""
        outcome: Ended[InferResponse] | None = None
        ended: Ended[InferResponse] | None = None
        try:
            while True:
                step = course.send(outcome)
                outcome = None
                if isinstance(step, Start):
                    ended = send(step.attempt)
                elif ended is not None:
                    outcome, ended = ended, None
                else:
                    self._sleep(max(0.0, step.until - self._clock()))
        except StopIteration as stop:
            answered: Answered[InferResponse] = stop.value
            return answered

    def _hedged(
        self, course: Course[InferResponse], send: Callable[[Attempt], Ended[InferResponse]]
    ) -> Answered[InferResponse]:
        """Drive a course of several attempts at once, a thread each; those that lose end at the call's deadline."""
        outcome: Ended[InferResponse] | None = None
        ended: queue.SimpleQueue[Ended[InferResponse]] = queue.SimpleQueue()
        try:
            while True:
                step = course.send(outcome)
                outcome = None
                if isinstance(step, Start):
                    attempt = step.attempt
                    threading.Thread(target=lambda sent=attempt: ended.put(send(sent)), daemon=True).start()
                else:
                    try:
                        outcome = ended.get(timeout=max(0.0, step.until - self._clock()))
                    except queue.Empty:
                        outcome = None
        except StopIteration as stop:
            answered: Answered[InferResponse] = stop.value
            return answered

    def _parameters(self, endpoint: Endpoint | None, timeout_s: float) -> Mapping[str, str] | None:
        if endpoint is None:
            return None
        try:
            return self._connections.to(endpoint).parameters(timeout_s=timeout_s)
        except UNREADABLE:
            return None


def connector(endpoints: Sequence[Endpoint], policy: Resilience) -> Callable[[Endpoint], Transport]:
    """What connects to these. A client of one protocol does not pay for the other, nor `import triptych` for both."""
    if any(endpoint.is_grpc for endpoint in endpoints):
        from .grpc_transport import GrpcTransport
    if not all(endpoint.is_grpc for endpoint in endpoints):
        from .http_transport import HttpTransport

    def connect(endpoint: Endpoint) -> Transport:
        return GrpcTransport(endpoint, policy) if endpoint.is_grpc else HttpTransport(endpoint, policy)

    return connect
