"""What the SDK returns: frozen, typed, free of tensors except for embeddings."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Prediction:
    """One class of the answer; `score` is a softmax probability in [0, 1]."""

    class_id: int
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Classification:
    """The K best classes of one image, best first.

    release:    number of the release that answered
    request_id: what the server logged and traced this request under
    elapsed_s:  seconds from sending the request to the whole answer, shared by all images of a request
    attempts:   how often the request was sent until then
    """

    predictions: tuple[Prediction, ...]
    release: int
    request_id: str
    elapsed_s: float
    attempts: int = 1

    @property
    def top(self) -> Prediction:
        """The best class."""
        return self.predictions[0]


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """Penultimate features of one image; `vector` is (D,) float32."""

    vector: NDArray[np.float32]
    release: int
    request_id: str
    elapsed_s: float
    attempts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The outcome of a real classification of the SDK's built-in image.

    ok:        the server classified it, and rightly
    reason:    one sentence: what was found
    answered:  a server worked on the image and answered, rightly or wrongly; False where none could be
               reached, or none answered in time
    known:     the answer was compared with the release's own known answer; False where the server
               does not let this caller read it, and only the answer's form could be checked
    release:   number of the release that answered; None when nothing did
    elapsed_s: seconds that the check took
    """

    ok: bool
    reason: str
    answered: bool
    known: bool
    release: int | None
    elapsed_s: float
