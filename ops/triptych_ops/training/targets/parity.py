"""Whether a file answers as torch does. Pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from triptych_ops.errors import RefusedError

TOLERANCE: Final = 1e-3
"""Of a probability: other kernels sum in another order."""

_TIE: Final = 2 * TOLERANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Of N images: whose best class is the same, and the largest difference of a probability."""

    images: int
    same_top1: int
    score_max_difference: float


def agreement(logits: NDArray[np.float32], expected: NDArray[np.float32], *, file: str) -> Agreement:
    """Compare LOGITS (N, C) of a file with torch's probabilities (N, C).

    Raises:
        RefusedError: a best class is another, but for ties, or a probability differs by more than `TOLERANCE`.
    """
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    found = shifted / shifted.sum(axis=1, keepdims=True)
    rows = np.arange(len(expected))
    lost = expected.max(axis=1) - expected[rows, found.argmax(axis=1)]  # 0 where the class is the same
    measured = Agreement(
        images=len(expected),
        same_top1=int((lost == 0).sum()),
        score_max_difference=float(np.abs(found - expected).max()),
    )
    if not measured.score_max_difference <= TOLERANCE or (lost > _TIE).any():  # a NaN is not
        raise RefusedError(
            f"{file} would not answer as torch: {measured.same_top1} of {measured.images} best classes are the same, "
            f"and a probability differs by {measured.score_max_difference:.2g}, at most {TOLERANCE:g} is accepted"
        )
    return measured
