"""The synchronous client: reads images, sends requests, hands out results."""

import random as randomness
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Final, Self, TypeVar

from . import contract, health
from .calls import batches, many
from .calls.asking import EMBEDDINGS, Batch, Question, Terms, classifications, only
from .calls.batches import DEFAULT_CONCURRENCY, DEFAULT_SIZE, Numbered, Window
from .calls.releases import RELEASE, described
from .calls.sync import Calls, connector
from .config import Resilience
from .configured import Configured, given
from .endpoint import Endpoint
from .environment import DEFAULT_URL
from .errors import DeadlineExceededError, ImageError, TriptychError
from .inputs.images import ImageInput
from .inputs.sides import DEFAULT_SIDE, UNTOLD
from .observing import Observer, Observers, operation_of
from .resilience.calling import Service
from .results import Classification, Embedding, Health, Release
from .settings import DEFAULT_TIMEOUT_S, LONGEST_TIMEOUT_S, NOT_GIVEN, FetchUrls, NotGiven, Shrink, seconds
from .transports.access import Access, Token
from .transports.connections import Connections
from .transports.headers import NO_HEADERS
from .transports.tls import Tls
from .transports.transport import InvalidArgumentError, Transport

__all__ = ["DEFAULT_TIMEOUT_S", "DEFAULT_URL", "LONGEST_TIMEOUT_S", "Client"]

Result = TypeVar("Result")

POLL_S: Final = 0.1  # between two health checks while waiting: short against any start-up
LEAST_S: Final = 0.1  # what a last check gets, however late it is


class Client(Configured):
    """Asks one Triptych server, or several that serve the same. Thread-safe; a context manager, or call `close`.

    A client may be made and used before a fork (`os.fork`, a `multiprocessing` pool, the workers of a prefork server):
    a child process begins with connections, locks and knowledge of the servers of its own. Over gRPC that works only if
    no thread of the parent was inside gRPC at the fork, which waits up to half a second for calls under way; otherwise
    every call in the child raises an `InvalidUseError` at once. An iterator of `classify_many` does not go on in a
    child. A client is pickled by its settings, for processes that are started by 'spawn'; a secret header, or a setting
    that cannot be pickled, is a TypeError.

    What is not given comes from the environment, see `triptych.environment`, else from the defaults.

    url:        `grpc://HOST:PORT`, `grpcs://…`, `http://…` or `https://…`; or several of them, asked in turn; or
                `dns:///NAME:PORT` for gRPC to every address of a name (`dns+http:///…` and so on for the others)
    timeout_s:  seconds that one request may take, from reading its images, retries and all
    top_k:      the most classes of an answer; None for all that the release computes
    shrink:     whether large photographs are sent smaller, which needs Pillow: the shorter side keeps twice what the
                release scales it to, or so many pixels. Up to 256 MiB of an image are read for it, else 20 MiB
    fetch_urls: whether images may be `http://` and `https://` URLs, fetched by this machine: see `Fetching`
    resilience: what is done about failure; see `triptych.config`
    tls:        whom to trust, and the certificate to show, at `grpcs://` and `https://`; None: the system's authorities
    token:      gives the bearer token of an attempt, at once: where getting one takes time, it keeps the last
    headers:    of every request, over gRPC as metadata, such as `x-api-key`
    plaintext_secrets: whether a token, a key or a cookie may go to another machine where everybody on the way reads it
    observers:  are told of every call; see `triptych.observing`
    connect:    makes the transport to a server
    clock, sleep, random: the time in seconds, monotonic; waiting for some; and a number in [0, 1)

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
        token: Token | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
        plaintext_secrets: bool = False,
        observers: Sequence[Observer] = (),
        connect: Callable[[Endpoint], Transport] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
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
            sleep=(sleep, time.sleep),
            random=(random, randomness.random),
        )
        self._calls: Calls = Calls(
            service=Service(self._endpoints, self._policy, clock=clock, random=random),
            connections=Connections(connect or connector(self._endpoints, self._policy, access)),
            observers=Observers(observers),
            clock=clock,
            sleep=sleep,
        )

    def classify(
        self, image: ImageInput, *, top_k: int | None = None, timeout_s: float | None = None
    ) -> Classification:
        """The best classes of one image, at most `top_k` of the K that the release computes.

        A file is classified upright, as its EXIF orientation says; a Pillow image or an array by its pixels,
        whatever orientation it still carries: see `ImageInput`.

        Raises:
            ImageError: this image cannot be classified.
            TriptychError: the server cannot be asked; see `triptych.errors` for which and why.
        """
        results = self._results([(0, image)], self._classifications(top_k), timeout_s)
        return only(results)

    def embed(self, image: ImageInput, *, timeout_s: float | None = None) -> Embedding:
        """The penultimate features of one image, for search and comparison.

        Raises:
            ImageError: this image cannot be classified.
            TriptychError: the server cannot be asked.
        """
        results = self._results([(0, image)], EMBEDDINGS, timeout_s)
        return only(results)

    def classify_many(
        self,
        images: Iterable[ImageInput],
        *,
        batch_size: int = DEFAULT_SIZE,
        concurrency: int = DEFAULT_CONCURRENCY,
        ordered: bool = True,
        progress: Callable[[int], None] | None = None,
        top_k: int | None = None,
        timeout_s: float | None = None,
    ) -> Generator[Classification | ImageError, None, None]:
        """Results in the order of `images`, an `ImageError` in the place of each that failed.

        One request holds up to `batch_size` images (at most 32) and may take `timeout_s`; `concurrency` are under way
        at once (at most 64), a thread each. Images are named as they are needed, in the caller's thread, so the
        iterable may be endless: at most `2 * concurrency * batch_size` are ahead of what was handed out.

        ordered:  False for results as they come: `index` and `source` of each say which image it is of
        progress: is called, in the caller's thread, with how many images are done, whenever a request is answered

        An iterator that is closed, or fails, waits for the requests under way.

        Raises:
            TypeError: `images` is a single path, file, or the bytes of a single image.
            ValueError: `batch_size`, `concurrency` or `top_k` out of range.
            TriptychError: the server cannot be asked. Results handed out before stay valid.
            Exception: what `images` itself raises, after the results of all images before that.
        """
        batches.check(images, batch_size=batch_size, concurrency=concurrency)
        window = Window[Classification](concurrency=concurrency, ordered=ordered, progress=progress)
        return self._many(images, batch_size, self._classifications(top_k), window, timeout_s)

    def embed_many(
        self,
        images: Iterable[ImageInput],
        *,
        batch_size: int = DEFAULT_SIZE,
        concurrency: int = DEFAULT_CONCURRENCY,
        ordered: bool = True,
        progress: Callable[[int], None] | None = None,
        timeout_s: float | None = None,
    ) -> Generator[Embedding | ImageError, None, None]:
        """Features of many images, asked for as in `classify_many`."""
        batches.check(images, batch_size=batch_size, concurrency=concurrency)
        window = Window[Embedding](concurrency=concurrency, ordered=ordered, progress=progress)
        return self._many(images, batch_size, EMBEDDINGS, window, timeout_s)

    def release(self, *, timeout_s: float | None = None) -> Release:
        """What the next server serves: it classifies and embeds the built-in image, and is asked for its configuration.

        Raises:
            TriptychError: the server cannot be asked.
        """
        return self._release(self._terms(timeout_s))

    def health(self, *, timeout_s: float | None = None) -> Health:
        """Classify the built-in image and compare with the release's known answer: one attempt, at the next server.

        Never raises for a server that is down or wrong: `Health.ok` and `Health.reason` say so.
        """
        terms = self._terms(timeout_s)
        try:
            batch = Batch([(0, health.image())], classifications(None), terms, id_prefix=contract.HEALTH_ID)
            results, endpoint = self._asked(batch, direct=True)
            answer = only(results)
            parameters = self._parameters(endpoint, terms)
        except TriptychError as error:
            return health.of_failure(error, elapsed_s=terms.elapsed_s)
        return health.of_answer(answer, parameters, elapsed_s=terms.elapsed_s)

    def wait_until_ready(self, timeout_s: float = 60.0) -> Health:  # slow disks included
        """Check `health` until it is good, and return it.

        Raises:
            DeadlineExceededError: it was not good within `timeout_s`; the message says what it was last.
        """
        clock = self._calls.clock
        deadline = clock() + seconds(timeout_s)
        while True:
            state = self.health(timeout_s=max(LEAST_S, min(deadline - clock(), self._options.timeout_s)))
            if state.ok:
                return state
            if deadline - clock() <= POLL_S:
                raise DeadlineExceededError(f"not ready within {timeout_s:g} s: {state.reason}")
            self._calls.sleep(POLL_S)

    def close(self) -> None:
        """Release the connections; of a view, nothing. A second call does nothing."""
        if not self._is_view:
            self._calls.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _many(
        self,
        images: Iterable[ImageInput],
        batch_size: int,
        question: Question[Result],
        window: Window[Result],
        timeout_s: float | None,
    ) -> Generator[Result | ImageError, None, None]:
        self._terms(timeout_s)  # refused at once, not with the first result

        def answer(batch: Numbered[ImageInput]) -> list[Result | ImageError]:
            return self._results(batch, question, timeout_s)

        drive = many.in_turn if window.concurrency == 1 else many.in_threads
        return drive(batches.of(images, size=batch_size), answer, window)

    def _results(
        self, images: Numbered[ImageInput], question: Question[Result], timeout_s: float | None
    ) -> list[Result | ImageError]:
        terms = self._terms(timeout_s)
        return self._asked(Batch(images, question, terms, side=self._side(terms)))[0]

    def _asked(
        self, batch: Batch[Result], *, direct: bool = False
    ) -> tuple[list[Result | ImageError], Endpoint | None]:
        """The results, and the server that gave them."""
        results, endpoint = self._outcome(batch, direct=direct)
        self._calls.observers.images(operation_of(batch.outputs, direct=direct), results)
        return results, endpoint

    def _outcome(self, batch: Batch[Result], *, direct: bool) -> tuple[list[Result | ImageError], Endpoint | None]:
        request = batch.request()
        if request is None:
            return batch.unsent(), None
        try:
            answered = self._calls.answered(request, direct=direct)
        except InvalidArgumentError as error:
            return batch.refused(error), None
        self._sides.saw(answered.response.response.model_version)
        return batch.answered(answered), answered.endpoint

    def _release(self, terms: Terms) -> Release:
        results, endpoint = self._asked(Batch([(0, health.image())], RELEASE, terms, id_prefix=contract.HEALTH_ID))
        return described(only(results), self._parameters(endpoint, terms))

    def _side(self, terms: Terms) -> int | None:
        """What the shorter side of a large photograph keeps; None where it is sent as it is."""
        if not self._sides.must_ask(self._options.shrink):
            return self._sides.side(self._options.shrink)
        try:
            return self._sides.learned(self._release(terms))
        except UNTOLD:
            return DEFAULT_SIDE

    def _parameters(self, endpoint: Endpoint | None, terms: Terms) -> Mapping[str, str] | None:
        return None if endpoint is None else self._calls.parameters(endpoint, timeout_s=terms.left_s(least_s=LEAST_S))
