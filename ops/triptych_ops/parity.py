"""Served answers against the torch reference: a pure comparison."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triptych import Classification

from .errors import RefusedError

SCORE_TOLERANCE = 0.02
"""How far a served probability may lie from the reference's: decoders and resampling differ by rounding."""


@dataclass(frozen=True, slots=True)
class ServedParity:
    """How well served answers agree with the reference, over all images."""

    top1_agreement: float  # share of images, 0 to 1
    score_max_difference: float  # over the K served classes of every image, absolute


def compare(
    answers: Sequence[Classification], probabilities: Sequence[NDArray[np.float32]], labels: Sequence[str]
) -> ServedParity:
    """Compare each answer with the reference's probabilities (C,) of the same image.

    Raises:
        RefusedError: a class was served under another label than `labels`, (C,), gives it.
    """
    for prediction in (prediction for answer in answers for prediction in answer.predictions):
        if prediction.label != labels[prediction.class_id]:
            expected_label = labels[prediction.class_id]
            raise RefusedError(f"class {prediction.class_id} is served as {prediction.label!r}, not {expected_label!r}")
    agreeing = [
        answer.top.class_id == int(expected.argmax()) for answer, expected in zip(answers, probabilities, strict=True)
    ]
    differences = [
        abs(prediction.score - float(expected[prediction.class_id]))
        for answer, expected in zip(answers, probabilities, strict=True)
        for prediction in answer.predictions
    ]
    return ServedParity(sum(agreeing) / len(agreeing), float(np.max(differences)))  # a NaN stays one


def require(parity: ServedParity) -> None:
    """The gate that every build must pass: all top-1 classes agree, no probability is off by more than the tolerance.

    Raises:
        RefusedError: it does not hold.
    """
    if parity.top1_agreement < 1:
        raise RefusedError(
            f"the served top-1 class agrees with torch on {parity.top1_agreement:.1%} of images, not on all"
        )
    if not parity.score_max_difference <= SCORE_TOLERANCE:
        raise RefusedError(
            f"a served probability differs from torch's by {parity.score_max_difference:.3f}, "
            f"at most {SCORE_TOLERANCE:g} is accepted"
        )
