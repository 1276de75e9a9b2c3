"""What callers ask and what they get for it, a request at a time; shared by both clients. No I/O but reading images."""

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic, TypeVar

from .. import contract
from ..errors import DeadlineExceededError, ImageError, ProtocolError
from ..forks import at_fork
from ..inputs.fetching import is_url
from ..inputs.images import AS_IT_IS, ImageInput, Reading, encoded
from ..resilience.course import Answered
from ..results import Classification, Embedding
from ..settings import Options, classes, seconds
from ..transports.transport import InferRequest, InvalidArgumentError
from . import answers
from .answers import Answer, Image, Reply
from .failures import of_request

Result = TypeVar("Result")

_IDS = random.Random()  # noqa: S311  unique, not secret; and none of the caller's, who may seed that
at_fork(after_in_child=_IDS.seed)

_FETCHES = 8  # of one request, side by side


@dataclass(frozen=True, slots=True)
class Question(Generic[Result]):
    """The outputs that are asked for, and what becomes of them."""

    outputs: tuple[str, ...]
    results: Callable[[Answer], list[Result | ImageError]]


EMBEDDINGS: Final[Question[Embedding]] = Question(contract.EMBEDDING_OUTPUTS, answers.embeddings)


def classifications(top_k: int | None) -> Question[Classification]:
    """The best classes, `top_k` at most.

    Raises:
        ValueError: `top_k` is below 1.
    """
    return Question(contract.CLASSIFICATION_OUTPUTS, partial(answers.classifications, top_k=classes(top_k)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The time that a call has, from reading its images to their results, by `clock`; and the headers that go with it.

    Raises:
        ValueError: `timeout_s` is no time that anybody waits.
    """

    options: Options
    timeout_s: float
    clock: Callable[[], float]
    began: float

    @classmethod
    def of(cls, options: Options, timeout_s: float | None, clock: Callable[[], float]) -> "Terms":
        """Those of a call that begins now."""
        allowed_s = options.timeout_s if timeout_s is None else seconds(timeout_s)
        return cls(options=options, timeout_s=allowed_s, clock=clock, began=clock())

    @property
    def elapsed_s(self) -> float:
        """Seconds since it began."""
        return self.clock() - self.began

    def left_s(self, *, least_s: float = 0.0) -> float:
        """What is left of its time, `least_s` at least."""
        return max(least_s, self.timeout_s - self.elapsed_s)

    def reading(self, side: int | None) -> Reading:
        """How its images are read; `side` as there."""
        if side is None and self.options.fetching is None:
            return AS_IT_IS
        return Reading(side=side, fetching=self.options.fetching, timeout_s=self.left_s() / 2)


class Batch(Generic[Result]):
    """The images of one request, those that could not be read in their places."""

    def __init__(
        self,
        images: Sequence[tuple[int, ImageInput]],
        question: Question[Result],
        terms: Terms,
        *,
        side: int | None = None,
        id_prefix: str = "",
    ) -> None:
        self._terms = terms
        self._id_prefix = id_prefix
        self._question = question
        self._read = _read_all(images, terms.reading(side))
        sent = [item for item in self._read if not isinstance(item, ImageError)]
        self._bodies = tuple(body for body, _ in sent)
        self._images = tuple(image for _, image in sent)
        self._read_s = terms.elapsed_s

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs that it asks for."""
        return self._question.outputs

    def request(self) -> InferRequest | None:
        """What to send; None where no image could be read.

        Raises:
            DeadlineExceededError: reading took all the time.
        """
        if not self._bodies:
            return None
        left_s = self._terms.left_s()
        if left_s <= 0:
            raise DeadlineExceededError(
                f"reading the images took longer than the {self._terms.timeout_s:g} s of the call"
            )
        headers = self._terms.options.headers
        request_id = f"{self._id_prefix}{_IDS.getrandbits(128):032x}"
        return InferRequest(self._bodies, self._question.outputs, request_id, left_s, headers)

    def unsent(self) -> list[Result | ImageError]:
        """The results where no image could be read."""
        return self._merged([])

    def refused(self, error: InvalidArgumentError) -> list[Result | ImageError]:
        """The results where the server refused the request.

        Raises:
            ProtocolError: not for its images.
        """
        return self._merged([*answers.rejections(error, self._images)])

    def answered(self, answered: Answered[Reply]) -> list[Result | ImageError]:
        """The results from the server's answer.

        Raises:
            ProtocolError: it does not keep the contract.
        """
        reply = answered.response
        answer = Answer(
            reply.response,
            self._images,
            reply.response.request_id,
            elapsed_s=self._terms.elapsed_s - self._read_s,
            attempts=answered.attempts,
            attempt_s=reply.ended - reply.began,
            read_s=self._read_s,
            endpoint=str(answered.endpoint),
        )
        try:
            results = self._question.results(answer)
        except ProtocolError as error:
            of_request(error, request_id=answer.request_id, endpoint=answer.endpoint, attempts=answer.attempts)
            raise
        return self._merged(results)

    def _merged(self, results: Sequence[Result | ImageError]) -> list[Result | ImageError]:
        following = iter(results)
        return [item if isinstance(item, ImageError) else next(following) for item in self._read]


def only(results: Sequence[Result | ImageError]) -> Result:
    """The result of a single image; its error is raised."""
    (result,) = results
    if isinstance(result, ImageError):
        raise result
    return result


def _read_all(images: Sequence[tuple[int, ImageInput]], reading: Reading) -> list[tuple[bytes, Image] | ImageError]:
    read = partial(_read, reading=reading)
    if reading.fetching is None or sum(isinstance(image, str) and is_url(image) for _, image in images) < 2:
        return [read(numbered) for numbered in images]
    with ThreadPoolExecutor(_FETCHES) as pool:
        return list(pool.map(read, images))


def _read(numbered: tuple[int, ImageInput], reading: Reading) -> tuple[bytes, Image] | ImageError:
    index, image = numbered
    try:
        body, source = encoded(image, index=index, reading=reading)
    except ImageError as error:
        error.index = index
        return error
    return body, Image(index, source)
