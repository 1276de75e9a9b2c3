"""Responses -> results, one for each image of the request. Pure; shared by every client."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import contract
from ..errors import ImageError, ProtocolError, TriptychError
from ..results import Classification, Embedding, Prediction
from ..transports.transport import InferResponse, InvalidArgumentError
from ..transports.wording import first_line
from .failures import Error, of_request

Result = TypeVar("Result")

_ROUNDING = 1e-5
"""How far a score may lie outside [0, 1] or above a better one: many times what a softmax in float32 is off by."""

_DTYPES = {"BYTES": np.dtype(np.object_), "FP32": np.dtype(np.float32), "INT32": np.dtype(np.int32)}


class Reply(NamedTuple):
    """The response of the attempt that answered; `began` and `ended` are the clock's seconds."""

    response: InferResponse
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Image:
    """One image of a request: its place in the call, and the words that errors call it by."""

    index: int
    source: str


class Answer(NamedTuple):
    """A response with what the client knows of its request; `images` are those that were sent."""

    response: InferResponse
    images: tuple[Image, ...]
    request_id: str
    elapsed_s: float
    attempts: int = 1
    attempt_s: float | None = None  # None: as `elapsed_s`
    read_s: float = 0.0
    endpoint: str = ""


def classifications(answer: Answer, *, top_k: int | None = None) -> list[Classification | ImageError]:
    """One `Classification`, or the `ImageError` of an image that failed, for each image.

    Raises:
        ProtocolError: the response lacks a tensor, has one of another shape, or values that the contract excludes.
    """
    class_ids = _tensor(answer, contract.CLASS_ID)
    scores = _tensor(answer, contract.SCORE)
    labels = _tensor(answer, contract.LABEL)
    if not class_ids.shape == scores.shape == labels.shape:
        raise ProtocolError("CLASS_ID, SCORE and LABEL have different shapes")
    served = _served(answer)

    columns = class_ids[:, :top_k].tolist(), labels[:, :top_k].tolist(), scores[:, :top_k].tolist()

    def classification(row: int) -> Classification:
        _check_ranking(columns[0][row], columns[2][row])
        best = zip(columns[0][row], columns[1][row], columns[2][row], strict=True)
        predictions = tuple(
            [
                Prediction(class_id, label.decode("utf-8", "replace"), _without_rounding(score))
                for class_id, label, score in best
            ]
        )
        image = answer.images[row]
        return Classification(predictions, *served, image.index, image.source)

    return _rows(answer, classification)


def embeddings(answer: Answer) -> list[Embedding | ImageError]:
    """One `Embedding`, or the `ImageError` of an image that failed, for each image.

    Raises:
        ProtocolError: the response lacks a tensor, has one of another shape, or vectors that are not finite.
    """
    vectors = _tensor(answer, contract.EMBEDDING)
    served = _served(answer)
    if not np.isfinite(vectors[_succeeded(answer)]).all():
        raise ProtocolError("output EMBEDDING has numbers that are not finite")

    def embedding(row: int) -> Embedding:
        image = answer.images[row]
        return Embedding(vectors[row].copy(), *served, image.index, image.source)

    return _rows(answer, embedding)


def rejections(error: InvalidArgumentError, images: Sequence[Image]) -> list[ImageError]:
    """The `ImageError` of every image, from the error of a request whose images all failed.

    Raises:
        ProtocolError: the server refused the request for another reason.
    """
    found = contract.parse_rejections(str(error))
    if sorted(found) != list(range(len(images))):
        raise _as(ProtocolError(f"the server refused the request: {first_line(str(error))}"), error) from error
    return [_as(_error(images[row], *said), error) for row, said in sorted(found.items())]


def _succeeded(answer: Answer) -> NDArray[np.bool_]:
    """Which images did not fail: the contract says nothing of the embeddings of the others."""
    errors = _tensor(answer, contract.ERROR)[:, 0]
    return np.fromiter((not error for error in errors), np.bool_, len(errors))


def _check_ranking(class_ids: Sequence[int], scores: Sequence[float]) -> None:
    """Do nothing where these are the classes of an image with their probabilities, best first.

    Raises:
        ProtocolError: they are not.
    """
    better = 1.0
    for class_id, score in zip(class_ids, scores, strict=True):
        if not -_ROUNDING <= score <= 1 + _ROUNDING:  # nor is NaN
            raise ProtocolError(f"output SCORE has {score:.9g} where a probability in [0, 1] was expected")
        if score > better + _ROUNDING:
            raise ProtocolError("output SCORE is not in order; the best class must be first")
        if class_id < 0:
            raise ProtocolError(f"output CLASS_ID has {class_id} for an image that did not fail")
        better = score


def _without_rounding(score: float) -> float:
    """The score, where rounding may have put it a little outside of [0, 1]."""
    return 1.0 if score > 1 else 0.0 if score < 0 else score


def _rows(answer: Answer, result: Callable[[int], Result]) -> list[Result | ImageError]:
    errors = _tensor(answer, contract.ERROR)[:, 0].tolist()
    rows: list[Result | ImageError] = []
    for row, (image, error) in enumerate(zip(answer.images, errors, strict=True)):
        if error:
            failed = _error(image, *contract.split_error(error.decode("utf-8", "replace")))
            rows.append(_as(failed, answer))
        else:
            rows.append(result(row))
    return rows


def _error(image: Image, code: str, message: str) -> ImageError:
    return ImageError(code, first_line(message), source=image.source, index=image.index)


def _as(error: Error, source: Answer | TriptychError) -> Error:
    """The error, which tells of the same request as `source`."""
    return of_request(error, request_id=source.request_id, endpoint=source.endpoint, attempts=source.attempts)


def _served(answer: Answer) -> tuple[int, str, float, int, str, str, float, float]:
    """What every result of a request says of it, from `release` to `read_s`."""
    return (
        _release(answer.response),
        answer.request_id,
        answer.elapsed_s,
        answer.attempts,
        answer.response.model_version,
        answer.endpoint,
        answer.elapsed_s if answer.attempt_s is None else answer.attempt_s,
        answer.read_s,
    )


def _tensor(answer: Answer, name: str) -> NDArray[Any]:
    tensor, count = answer.response.outputs.get(name), len(answer.images)
    if tensor is None:
        raise ProtocolError(f"the answer lacks the output {name}")
    datatype = contract.OUTPUTS[name]
    shape, dtype = tensor.shape, _DTYPES[datatype]
    if len(shape) != 2 or shape[0] != count or not shape[1] or not (tensor.dtype is dtype or tensor.dtype == dtype):
        found = f"{tensor.dtype} {shape}"
        raise ProtocolError(f"output {name} is {found} where {datatype} ({count}, K) was expected")
    return tensor


def _release(response: InferResponse) -> int:
    number = contract.positive_number(response.model_version)
    if number is None:
        told = f"{response.model_version[:40]!r} is not a release number, which has 1 to 18 digits and is above 0"
        raise ProtocolError(f"model version {told}")
    return number
