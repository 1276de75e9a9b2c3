"""How many answers of which kind: classes, probabilities, images that failed here.

Runs inside Triton's python backend: it imports numpy, nothing of ours.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .counters import Counted

MOST_GROUPS: Final = 64
"""Values of the label `class`: each of them is a time series, of every pod and for ever."""

NOT_FINITE: Final = "not_finite"

# Networks are sure more often than not: finer towards 1.
_BOUNDS: Final = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99])
_LE: Final = (*(f"{bound:g}" for bound in _BOUNDS), "+Inf")


class Ranked(NamedTuple):
    """The best of N images: class ids, -1 where one failed; probabilities; whether it failed here. (N,) each."""

    class_ids: NDArray[np.int32]
    scores: NDArray[np.float32]
    not_finite: NDArray[np.bool_]


class Answers:
    """Counts batches by the classes of `labels`, which are put into groups where they are many."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._size = group_size(len(labels))
        self._groups = groups(labels)

    @property
    def known(self) -> list[Counted]:
        """Every counter."""
        return [
            *(("triptych_predictions_total", group) for group in self._groups),
            *(("triptych_top_score_bucket", bound) for bound in _LE),
            ("triptych_top_score_count", ""),
            ("triptych_top_score_sum", ""),
            ("triptych_image_errors_total", NOT_FINITE),
        ]

    def count(self, batches: list[Ranked]) -> dict[Counted, float]:
        """By how much each counter grows."""
        class_ids, scores, not_finite = (np.concatenate(column) for column in zip(*batches, strict=True))
        answered = class_ids >= 0
        class_ids, scores = class_ids[answered], scores[answered]
        in_groups = np.bincount(class_ids // self._size, minlength=len(self._groups))
        # Prometheus' buckets hold what is at most their bound, the ones below included.
        in_buckets = np.bincount(np.searchsorted(_BOUNDS, scores), minlength=len(_LE)).cumsum()
        grown = dict.fromkeys(self.known, 0.0)
        for group, images in zip(self._groups, in_groups.tolist(), strict=True):
            grown["triptych_predictions_total", group] += images  # two classes may have one label
        for bound, images in zip(_LE, in_buckets.tolist(), strict=True):
            grown["triptych_top_score_bucket", bound] = images
        grown["triptych_top_score_count", ""] = len(scores)
        grown["triptych_top_score_sum", ""] = float(scores.sum(dtype=np.float64))
        grown["triptych_image_errors_total", NOT_FINITE] = int(not_finite.sum())
        return grown


def group_size(classes: int) -> int:
    """How many neighbouring classes are counted as one: the least power of two by which the groups are few enough.

    A power, so that a class more in the next release leaves the other groups as they are.
    """
    size = 1
    while -(-classes // size) > MOST_GROUPS:
        size *= 2
    return size


def groups(labels: Sequence[str]) -> list[str]:
    """The name of each group: the class's label, or of several the numbers and the labels of the first and the last."""
    size = group_size(len(labels))
    if size == 1:
        return list(labels)
    starts = range(0, len(labels), size)
    ends = [min(start + size, len(labels)) - 1 for start in starts]
    return [f"{start}-{end} {labels[start]} to {labels[end]}" for start, end in zip(starts, ends, strict=True)]
