"""Health is an inference: judge the answer to the built-in image. Pure, but for reading that image."""

import math
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

from . import contract
from .errors import ImageError, ProtocolError, TriptychError
from .results import Classification, Health

_DIGITS = re.compile(r"[0-9]{1,10}")
_SCORE_LENGTH = 40


@cache
def image() -> bytes:
    """The built-in image: a cup of coffee, JPEG."""
    return resources.files(__package__).joinpath("health.jpg").read_bytes()


def of_answer(answer: Classification, parameters: Mapping[str, str] | None, *, elapsed_s: float) -> Health:
    """What `answer` says about the server; `parameters` as for `judge`."""
    ok, reason = judge(answer, parameters)
    known = known_answer(parameters) is not None
    return Health(ok=ok, reason=reason, answered=True, known=known, release=answer.release, elapsed_s=elapsed_s)


def of_failure(error: TriptychError, *, elapsed_s: float) -> Health:
    """What an error says about the server that was asked."""
    answered = isinstance(error, ImageError | ProtocolError)
    return Health(ok=False, reason=str(error), answered=answered, known=False, release=None, elapsed_s=elapsed_s)


def judge(answer: Classification, parameters: Mapping[str, str] | None) -> tuple[bool, str]:
    """Whether `answer` is right, and one sentence on why.

    parameters: of the ensemble's configuration, with the release's known answer; without it (None or
    a foreign release) only the form is checked: finite probabilities, best first, labelled.
    """
    scores = [prediction.score for prediction in answer.predictions]
    well_formed = (
        all(math.isfinite(score) and 0 <= score <= 1 for score in scores)
        and scores == sorted(scores, reverse=True)
        and all(prediction.label for prediction in answer.predictions)
    )
    if not well_formed:
        return False, f"the answer is malformed: scores {scores}"
    known = known_answer(parameters)
    if known is None:
        return True, f"answers {answer.top.label!r}; the release's known answer is not readable here"
    class_id, score = known
    found = f"answers class {answer.top.class_id} ({answer.top.label}) with {answer.top.score:.3f}"
    if answer.top.class_id == class_id and abs(answer.top.score - score) <= contract.HEALTH_TOLERANCE:
        return True, found + ", as known"
    return False, f"{found}; the known answer is class {class_id} with {score:.3f}"


def known_answer(parameters: Mapping[str, str] | None) -> tuple[int, float] | None:
    """(class id, score) of the release's known answer to the built-in image, where it says so."""
    if not parameters:
        return None
    try:
        class_id, score = parameters[contract.HEALTH_CLASS_ID], parameters[contract.HEALTH_SCORE]
        if not (_DIGITS.fullmatch(class_id) and len(score) <= _SCORE_LENGTH and 0 <= float(score) <= 1):
            return None
        return int(class_id), float(score)
    except (KeyError, ValueError, TypeError):
        return None
