"""Is a score of 0.8 right in 80 of 100 images?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15  # as in the source below


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """The images whose best score lies within the bin; its bounds are (low, high]."""

    low: float
    high: float
    images: int
    confidence: float  # mean of the best scores
    accuracy: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """The expected calibration error, and the bins that have images."""

    error: float  # 0: the scores are the shares
    bins: tuple[CalibrationBin, ...]


def calibrate(confidences: NDArray[np.float32], right: NDArray[np.bool_], *, bins: int = BINS) -> Calibration:
    """Expected calibration error of best scores (N,) and whether each was right (N,).

    Guo et al., On Calibration of Modern Neural Networks, ICML 2017: the mean over equal bins of
    |accuracy - confidence|, weighted by their images.
    """
    edges = np.linspace(0, 1, bins + 1)
    places = np.clip(np.searchsorted(edges, confidences, side="left") - 1, 0, bins - 1)  # (N,)
    found = []
    for place in range(bins):
        within = places == place
        if images := int(within.sum()):
            found.append(
                CalibrationBin(
                    low=float(edges[place]),
                    high=float(edges[place + 1]),
                    images=images,
                    confidence=float(confidences[within].mean(dtype=np.float64)),
                    accuracy=float(right[within].mean()),
                )
            )
    error = sum(each.images * abs(each.accuracy - each.confidence) for each in found) / len(confidences)
    return Calibration(float(error), tuple(found))
