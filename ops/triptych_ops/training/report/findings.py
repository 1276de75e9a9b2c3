"""What an evaluation found, before it has a form."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..data import Dataset
from ..evaluate import Evaluation, Speed


@dataclass(frozen=True, eq=False)
class Model:
    """Something that classified the images, and how well."""

    name: str
    evaluation: Evaluation
    scores: NDArray[np.float32]  # (N, C), NaN where unknown
    speed: Speed | None


@dataclass(frozen=True)
class Served:
    """How a server's answers agree with the run's own, image by image."""

    url: str
    release: int
    agreement: float  # share of images with the same best class
    differing: tuple[str, ...]  # names of the others
    score_max_difference: float  # of one class of one image, absolute
    score_mean_difference: float  # over images, of each the largest


@dataclass(frozen=True, eq=False)
class Findings:
    """All of one evaluation. The first model is the subject, the others stand beside it."""

    run: str
    part: str
    dataset: Dataset
    models: tuple[Model, ...]
    served: Served | None = None

    @property
    def subject(self) -> Model:
        """What the page is about."""
        return self.models[0]
