"""One class against all others, over every threshold of its score: by scikit-learn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

_MOST_POINTS = 200  # of a curve that is drawn


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve from left to right, and the figure that sums it up."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    area: float  # average precision, or area under the ROC curve


def precision_recall(scores: NDArray[np.float32], positive: NDArray[np.bool_]) -> Curve | None:
    """Precision over recall of one class's scores (N,); None where no image is of the class.

    The area is the average precision: sum of precision times the gain in recall, without interpolation.
    """
    if not positive.any():
        return None
    precision, recall, _ = metrics.precision_recall_curve(positive, scores)
    return _curve(recall[::-1], precision[::-1], float(metrics.average_precision_score(positive, scores)))


def roc(scores: NDArray[np.float32], positive: NDArray[np.bool_]) -> Curve | None:
    """Share of the class's images found over share of the others' taken for it; None where there are not both."""
    if positive.all() or not positive.any():
        return None
    false_rate, true_rate, _ = metrics.roc_curve(positive, scores)
    return _curve(false_rate, true_rate, float(metrics.auc(false_rate, true_rate)))


def _curve(x: NDArray[np.float64], y: NDArray[np.float64], area: float) -> Curve:
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MOST_POINTS)).round().astype(int))
    return Curve(tuple(map(float, x[kept])), tuple(map(float, y[kept])), area)
