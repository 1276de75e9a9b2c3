"""Do two give the same answers, image by image?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TIE = 0.002
"""Two classes whose own probabilities are no further apart are one answer: rounding decides between them."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How the answers of another agree with one's own."""

    share: float  # of images with the same best class, ties among them
    differing: tuple[str, ...]  # names of the others
    ties: int  # images that another class was the best of, by no more than rounding
    score_max_difference: float  # of one class of one image, absolute
    score_mean_difference: float  # over images, of each the largest


def compare(own: NDArray[np.float32], other: NDArray[np.float32], names: Sequence[str]) -> Agreement:
    """Compare scores (N, C) of the same images, of which `other` may lack some: NaN where it does.

    Raises:
        ValueError: an image has no score at all.
    """
    rows = np.arange(len(own))
    answered = np.nanargmax(other, axis=1)  # (N,)
    margins = own.max(axis=1) - own[rows, answered]  # 0 where the best class is the same
    another = own.argmax(axis=1) != answered
    differing = another & ~(margins <= TIE)
    differences = np.nanmax(np.abs(own - other), axis=1)
    return Agreement(
        share=1 - float(differing.mean()),
        differing=tuple(name for name, differs in zip(names, differing, strict=True) if differs),
        ties=int((another & ~differing).sum()),
        score_max_difference=float(differences.max()),
        score_mean_difference=float(differences.mean(dtype=np.float64)),
    )
