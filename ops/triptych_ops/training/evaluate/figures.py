"""Scores and true classes -> the figures of a classifier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

from .calibration import Calibration, calibrate
from .curves import Curve, precision_recall, roc

TOP_K = (1, 3, 5)


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """Figures of one class, 0 to 1. Precision is None where it was never answered, recall where it has no image."""

    label: str
    images: int
    precision: float | None
    recall: float | None
    f1: float  # 2 right / (images + answers); 0 where nothing is right
    precision_recall: Curve | None  # None, too, where not all scores are known
    roc: Curve | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures over N images of C classes."""

    images: int
    accuracy: float
    top_k: Mapping[int, float]  # k -> share of images whose class is among the k best
    macro_f1: float  # mean over the classes that have images
    macro_recall: float  # balanced accuracy
    confusion: NDArray[np.int64]  # (C, C): true class, answered class -> images
    classes: tuple[ClassFigures, ...]
    calibration: Calibration


def evaluate(scores: NDArray[np.float32], labels: Sequence[int], classes: Sequence[str]) -> Evaluation:
    """Figures of scores (N, C) for images of the true classes `labels` (N,), indices into `classes` (C,).

    A score of NaN is of a class that was not among the best K: curves need all, and top-k at least k.

    Raises:
        ValueError: there are no images, or an image has no score.
    """
    truth = np.asarray(labels, np.int64)
    if not len(truth) or scores.shape != (len(truth), len(classes)):
        raise ValueError(f"scores {scores.shape} do not fit {len(truth)} images of {len(classes)} classes")
    complete = not np.isnan(scores).any()
    ranked = np.argsort(-scores, axis=1, kind="stable")  # (N, C), the best first, NaN last
    answered = ranked[:, 0]
    right = answered == truth
    confusion: NDArray[np.int64] = metrics.confusion_matrix(truth, answered, labels=range(len(classes)))
    known = int((~np.isnan(scores)).sum(axis=1).min())
    figures = tuple(_class(place, label, confusion, scores, truth, complete) for place, label in enumerate(classes))
    present = [each for each in figures if each.images]
    recalls = [each.recall for each in figures if each.recall is not None]
    return Evaluation(
        images=len(truth),
        accuracy=float(right.mean()),
        top_k={k: float((ranked[:, :k] == truth[:, None]).any(axis=1).mean()) for k in TOP_K if k <= known},
        macro_f1=float(np.mean([each.f1 for each in present])),
        macro_recall=float(np.mean(recalls)),
        confusion=confusion,
        classes=figures,
        calibration=calibrate(np.take_along_axis(scores, answered[:, None], axis=1)[:, 0], right),
    )


def _class(
    place: int,
    label: str,
    confusion: NDArray[np.int64],
    scores: NDArray[np.float32],
    truth: NDArray[np.int64],
    complete: bool,
) -> ClassFigures:
    right = int(confusion[place, place])
    images, answers = int(confusion[place].sum()), int(confusion[:, place].sum())
    positive = truth == place
    return ClassFigures(
        label=label,
        images=images,
        precision=right / answers if answers else None,
        recall=right / images if images else None,
        f1=2 * right / (images + answers) if images + answers else 0.0,
        precision_recall=precision_recall(scores[:, place], positive) if complete else None,
        roc=roc(scores[:, place], positive) if complete else None,
    )
