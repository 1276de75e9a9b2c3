"""What a file is asked, and what torch answers."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from triptych_ops import export

from ..model import load_model, probabilities
from ..run import Run


class Questions(NamedTuple):
    """The test images of a run."""

    weights: export.Weights
    pixels: NDArray[np.uint8]  # (N, S, S, 3)
    expected: NDArray[np.float32]  # (N, C) probabilities


def questions_of(run: Run) -> Questions:
    """Those of a run, which lie where they lay.

    Raises:
        MissingError, RefusedError: the run or its images are gone, or not what they were.
    """
    weights, part = load_model(run), run.part("test")
    images = export.Images(weights.preprocessing)
    pixels = np.stack([np.asarray(images.cut(sample.read(), name=sample.name)) for sample in part.samples])
    return Questions(weights, pixels, probabilities(weights, part))
