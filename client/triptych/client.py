"""The synchronous client: reads images, sends requests, hands out results."""

import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Final, TypeVar

from . import answers, contract, health
from .answers import Answer
from .endpoint import Endpoint
from .errors import (
    DeadlineExceededError,
    ImageError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    TriptychError,
)
from .images import ImageInput, encoded
from .results import Classification, Embedding, Health
from .transport import InferRequest, InvalidArgumentError, Transport

Result = TypeVar("Result")

DEFAULT_URL: Final = "grpc://localhost:8001"  # Triton's own port
DEFAULT_TIMEOUT_S: Final = 10.0  # a hundred times a usual answer, and still a time that people wait

LONGEST_TIMEOUT_S: Final = 86400.0  # a day: more is a mistake, and sockets take no number whatever

_POLL_S = 0.1  # between two health checks while waiting: short against any start-up
_LEAST_S = 0.1  # what a last check gets, however late it is


class Client:
    """A connection to one Triptych server. Thread-safe; use it as a context manager or call `close`.

    url:       `grpc://HOST:PORT`, `grpcs://…`, `http://…` or `https://…`
    timeout_s: seconds that one request may take, unless the call says otherwise. Over HTTP a server that
               trickles the head of its answer can take longer: there they bound each wait for bytes.

    Raises:
        ValueError: `timeout_s` is not a positive number; so every method does.
        InvalidUrlError: the URL cannot be read. Nothing is connected before the first call.
    """

    def __init__(self, url: str = DEFAULT_URL, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        self._timeout_s = _positive(timeout_s)
        self._transport = _connect(Endpoint.from_url(url))

    def classify(
        self, image: ImageInput, *, top_k: int | None = None, timeout_s: float | None = None
    ) -> Classification:
        """The best classes of one image, at most `top_k` of the K that the release computes.

        Raises:
            ImageError: this image cannot be classified.
            TriptychError: the server cannot be asked; see `triptych.errors` for which and why.
        """
        return _only(self.classify_many([image], top_k=top_k, timeout_s=timeout_s))

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
        if isinstance(images, str | bytes | os.PathLike):
            raise TypeError("images must be an iterable of images; for a single one use classify")
        if not 1 <= batch_size <= contract.MAX_BATCH_SIZE:
            raise ValueError(f"batch_size must be 1 to {contract.MAX_BATCH_SIZE}, not {batch_size}")
        if top_k is not None and top_k < 1:
            raise ValueError(f"top_k must be at least 1, not {top_k}")

        results = partial(answers.classifications, top_k=top_k)
        return self._in_batches(images, batch_size, contract.CLASSIFICATION_OUTPUTS, results, self._seconds(timeout_s))

    def embed(self, image: ImageInput, *, timeout_s: float | None = None) -> Embedding:
        """The penultimate features of one image, for search and comparison.

        Raises:
            ImageError: this image cannot be classified.
            TriptychError: the server cannot be asked.
        """
        seconds = self._seconds(timeout_s)
        return _only(self._in_batches([image], 1, contract.EMBEDDING_OUTPUTS, answers.embeddings, seconds))

    def health(self, *, timeout_s: float | None = None) -> Health:
        """Classify the built-in image and compare with the release's known answer.

        Never raises for a server that is down or wrong: `Health.ok` and `Health.reason` say so.
        """
        timeout_s = self._seconds(timeout_s)
        started = time.monotonic()
        try:
            answer = self.classify(health.image(), timeout_s=timeout_s)
            remaining_s = started + timeout_s - time.monotonic()
            parameters = self._parameters(max(remaining_s, _LEAST_S))
        except TriptychError as error:
            return Health(
                ok=False,
                reason=str(error),
                answered=isinstance(error, ImageError | ProtocolError),
                known=False,
                release=None,
                elapsed_s=time.monotonic() - started,
            )
        ok, reason = health.judge(answer, parameters)
        return Health(
            ok=ok,
            reason=reason,
            answered=True,
            known=health.known_answer(parameters) is not None,
            release=answer.release,
            elapsed_s=time.monotonic() - started,
        )

    def wait_until_ready(self, timeout_s: float = 60.0) -> Health:  # slow disks included
        """Check `health` until it is good, and return it.

        Raises:
            DeadlineExceededError: it was not good within `timeout_s`; the message says what it was last.
        """
        deadline = time.monotonic() + _positive(timeout_s)
        while True:
            remaining_s = deadline - time.monotonic()
            state = self.health(timeout_s=max(_LEAST_S, min(remaining_s, self._timeout_s)))
            if state.ok:
                return state
            if deadline - time.monotonic() <= _POLL_S:
                raise DeadlineExceededError(f"not ready within {timeout_s:g} s: {state.reason}")
            time.sleep(_POLL_S)

    def close(self) -> None:
        """Release the connection; a second call does nothing."""
        self._transport.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _seconds(self, timeout_s: float | None) -> float:
        return self._timeout_s if timeout_s is None else _positive(timeout_s)

    def _in_batches(
        self,
        images: Iterable[ImageInput],
        batch_size: int,
        outputs: tuple[str, ...],
        results: Callable[[Answer], list[Result | ImageError]],
        timeout_s: float,
    ) -> Iterator[Result | ImageError]:
        numbered = iter(enumerate(images))
        while batch := list(islice(numbered, batch_size)):
            read = [_read(image, index) for index, image in batch]
            good = [item for item in read if not isinstance(item, ImageError)]
            answered = iter(self._ask(good, outputs, results, timeout_s) if good else ())
            for item in read:
                yield item if isinstance(item, ImageError) else next(answered)

    def _ask(
        self,
        images: list[tuple[bytes, str]],
        outputs: tuple[str, ...],
        results: Callable[[Answer], list[Result | ImageError]],
        timeout_s: float,
    ) -> list[Result | ImageError]:
        bodies, sources = (tuple(column) for column in zip(*images, strict=True))
        request_id = uuid.uuid4().hex
        request = InferRequest(bodies, outputs, request_id, timeout_s)
        started = time.perf_counter()
        try:
            response = self._transport.infer(request)
        except InvalidArgumentError as error:
            return [*answers.rejections(error, sources)]
        return results(Answer(response, sources, request_id, time.perf_counter() - started))

    def _parameters(self, timeout_s: float) -> Mapping[str, str] | None:
        try:
            return self._transport.parameters(timeout_s=timeout_s)
        # Refused, hidden or unknown: an edge that lets only inference in.
        except (PermissionDeniedError, NotFoundError, ProtocolError, InvalidArgumentError):
            return None


def _connect(endpoint: Endpoint) -> Transport:
    # Imported here: a client of one protocol does not pay for the other, nor `import triptych` for both.
    if endpoint.scheme in ("grpc", "grpcs"):
        from .grpc_transport import GrpcTransport

        return GrpcTransport(endpoint)
    from .http_transport import HttpTransport

    return HttpTransport(endpoint)


def _positive(timeout_s: float) -> float:
    if not 0 < timeout_s <= LONGEST_TIMEOUT_S:
        message = f"timeout_s must be a positive number of seconds, at most {LONGEST_TIMEOUT_S:g}, not {timeout_s}"
        raise ValueError(message)
    return timeout_s


def _read(image: ImageInput, index: int) -> tuple[bytes, str] | ImageError:
    try:
        return encoded(image, index=index)
    except ImageError as error:
        return error


def _only(results: Iterator[Result | ImageError]) -> Result:
    result = next(results)
    if isinstance(result, ImageError):
        raise result
    return result
