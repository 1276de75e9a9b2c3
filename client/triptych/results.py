"""What the SDK returns: frozen, typed, free of tensors except for embeddings.

`to_dict` of each gives plain values that `json.dumps` takes, under the names of its fields: predictions are a list of
`{"class_id", "label", "score"}`, an embedding's vector is a list of numbers, and None is null.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray


class _Result:
    """Base of all results."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values that JSON can hold, by the names of its fields."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    if isinstance(value, _Result):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return dict(value)
    return value.tolist() if isinstance(value, np.ndarray) else value


@dataclass(frozen=True, slots=True)
class Prediction(_Result):
    """One class of the answer; `score` is a softmax probability in [0, 1]."""

    class_id: int
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Classification(_Result):
    """The K best classes of one image, best first.

    release:       number of the release that answered
    request_id:    what the server logged and traced this request under; after a retry it ends with `-2` and so on
    elapsed_s:     seconds from sending the request to the whole answer, retries and all
    attempts:      how often the request was sent until then
    model_version: what the server called its version
    endpoint:      URL of the server that answered
    attempt_s:     seconds of the attempt that was answered, alone
    read_s:        seconds before the sending: reading, fetching and shrinking the images of the request
    index, source: which image of the call: its place, from 0, and its path or URL, or `image I`

    All but the last two are the same for all images of a request.
    """

    predictions: tuple[Prediction, ...]
    release: int
    request_id: str
    elapsed_s: float
    attempts: int = 1
    model_version: str = ""
    endpoint: str = ""
    attempt_s: float = 0.0
    read_s: float = 0.0
    index: int = 0
    source: str = "image 0"

    @property
    def top(self) -> Prediction:
        """The best class."""
        return self.predictions[0]


@dataclass(frozen=True, slots=True, eq=False)
class Embedding(_Result):
    """Penultimate features of one image; `vector` is (D,) float32. All else as for `Classification`."""

    vector: NDArray[np.float32]
    release: int
    request_id: str
    elapsed_s: float
    attempts: int = 1
    model_version: str = ""
    endpoint: str = ""
    attempt_s: float = 0.0
    read_s: float = 0.0
    index: int = 0
    source: str = "image 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(_Result):
    """What a server tells of the release that it serves. None: it does not tell, or its edge lets nobody ask.

    number:         of the release
    model_version:  what the server called it
    endpoint:       URL of the server that was asked; behind it, and at others, another release may serve as well
    top_k:          K, the classes of an answer
    embedding_size: D, the features of an embedding
    labels:         how many classes there are in all
    resize:         pixels that its preprocessing resizes an image to: of the shorter side, or the exact (height, width)
    parameters:     of the ensemble's configuration, as they are there
    """

    number: int
    model_version: str
    endpoint: str
    top_k: int
    embedding_size: int
    labels: int | None
    resize: int | tuple[int, int] | None
    parameters: Mapping[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health(_Result):
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
