"""Logits -> the best classes, and what these are called.

Runs inside Triton's python backend: it imports numpy, nothing of ours.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def rank(logits: NDArray[np.float32], k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The `k` best classes of each row, best first, with their softmax probabilities.

    logits: (N, C) float32, k <= C. Returns class ids (N, k) int32 and scores (N, k) float32.
    Among equal logits the lower class id comes first. A row with a non-finite logit has NaN scores.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        sums = exponentials.sum(axis=1, keepdims=True)
        class_ids = np.stack([_best(row, k) for row in logits])
        scores = np.take_along_axis(exponentials, class_ids, axis=1) / sums
    scores[~np.isfinite(logits).all(axis=1)] = np.nan
    return class_ids, scores


def _best(row: NDArray[np.float32], k: int) -> NDArray[np.int32]:  # (C,) -> (k,)
    """The classes of the `k` largest logits, best first, the lower id first among equals: no need to sort all."""
    smallest = np.partition(row, -k)[-k]
    candidates = np.flatnonzero(~(row < smallest))  # `k` and those equal to the last; ~ keeps rows with NaN whole
    order = np.argsort(-row[candidates], kind="stable")[:k]
    best: NDArray[np.int32] = candidates[order].astype(np.int32)
    return best


def read_labels(path: Path) -> list[str]:
    """The labels of a file, (C,): one a line, UTF-8. A line ends at a line feed and nowhere else."""
    return path.read_bytes().decode("utf-8").removesuffix("\n").split("\n")
