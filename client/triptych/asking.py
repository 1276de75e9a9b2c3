"""What callers ask and what they get for it, in batches; shared by both clients. No I/O but reading images."""

import os
import uuid
from collections.abc import AsyncIterable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic, TypeVar

from . import answers, contract
from .answers import Answer
from .errors import ImageError
from .images import ImageInput, encoded
from .results import Classification, Embedding
from .transport import InferRequest, InferResponse, InvalidArgumentError

Result = TypeVar("Result")
Image = TypeVar("Image")

LONGEST_TIMEOUT_S: Final = 86400.0  # a day: more is a mistake, and sockets take no number whatever


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
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k must be at least 1, not {top_k}")
    return Question(contract.CLASSIFICATION_OUTPUTS, partial(answers.classifications, top_k=top_k))


class Batch(Generic[Result]):
    """The images of one request, those that could not be read in their places."""

    def __init__(self, images: Sequence[tuple[int, ImageInput]], question: Question[Result]) -> None:
        self._read = [_read(image, index) for index, image in images]
        self._question = question
        sent = [item for item in self._read if not isinstance(item, ImageError)]
        self._bodies = tuple(body for body, _ in sent)
        self._sources = tuple(source for _, source in sent)

    def request(self, *, timeout_s: float) -> InferRequest | None:
        """What to send; None where no image could be read."""
        if not self._bodies:
            return None
        return InferRequest(self._bodies, self._question.outputs, uuid.uuid4().hex, timeout_s)

    def unsent(self) -> list[Result | ImageError]:
        """The results where no image could be read."""
        return self._merged([])

    def refused(self, error: InvalidArgumentError) -> list[Result | ImageError]:
        """The results where the server refused the request.

        Raises:
            ProtocolError: not for its images.
        """
        return self._merged([*answers.rejections(error, self._sources)])

    def answered(
        self, response: InferResponse, request: InferRequest, *, elapsed_s: float, attempts: int
    ) -> list[Result | ImageError]:
        """The results from the server's answer.

        Raises:
            ProtocolError: it does not keep the contract.
        """
        answer = Answer(response, self._sources, request.request_id, elapsed_s, attempts)
        return self._merged(self._question.results(answer))

    def _merged(self, results: Sequence[Result | ImageError]) -> list[Result | ImageError]:
        following = iter(results)
        return [item if isinstance(item, ImageError) else next(following) for item in self._read]


def check_many(images: Iterable[Image] | AsyncIterable[Image], batch_size: int) -> None:
    """Refuse what is no iterable of images, or no size of a batch.

    Raises:
        TypeError, ValueError: so it is.
    """
    if isinstance(images, str | bytes | os.PathLike):
        raise TypeError("images must be an iterable of images; for a single one use classify")
    if not 1 <= batch_size <= contract.MAX_BATCH_SIZE:
        raise ValueError(f"batch_size must be 1 to {contract.MAX_BATCH_SIZE}, not {batch_size}")


def seconds(timeout_s: float) -> float:
    """`timeout_s`, checked.

    Raises:
        ValueError: it is no positive number of seconds, or longer than a day.
    """
    if not 0 < timeout_s <= LONGEST_TIMEOUT_S:
        message = f"timeout_s must be a positive number of seconds, at most {LONGEST_TIMEOUT_S:g}, not {timeout_s}"
        raise ValueError(message)
    return timeout_s


def only(results: Sequence[Result | ImageError]) -> Result:
    """The result of a single image; its error is raised."""
    (result,) = results
    if isinstance(result, ImageError):
        raise result
    return result


def _read(image: ImageInput, index: int) -> tuple[bytes, str] | ImageError:
    try:
        return encoded(image, index=index)
    except ImageError as error:
        return error
