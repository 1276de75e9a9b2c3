"""What an evaluation found, before it has a form."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..data import Dataset
from ..evaluate import Agreement, Evaluation, Speed


@dataclass(frozen=True, eq=False)
class Model:
    """Something that classified the images, and how well."""

    name: str
    evaluation: Evaluation
    scores: NDArray[np.float32]  # (N, C), NaN where unknown
    speed: Speed | None
    probabilities: bool = True  # the scores claim to be; else their calibration means nothing


@dataclass(frozen=True)
class Served:
    """How a server's answers agree with the run's own, image by image."""

    release: int
    agreement: Agreement


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
