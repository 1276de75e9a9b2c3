"""The best class in an answer, by who answered; and which classes are right."""

import json
from collections.abc import Sequence

from loadtests.release_pipeline import Prediction
from triptych import contract

from .http_messages import Answer

_AS_GOOD = 0.01  # of probability: what a batch of another size may change
_HEADER_LENGTH = b"\r\ninference-header-content-length:"
_CLASS_ID_BYTES = 4


def read_json(answer: Answer) -> int:
    """The best class in a peer's answer.

    Raises:
        ValueError, KeyError, IndexError: it has none.
    """
    return int(json.loads(answer.body)["predictions"][0]["class_id"])


def read_triton(answer: Answer) -> int:
    """The best class in Triton's answer to its raw binary request: a JSON header, then the outputs' bytes in its order.

    Raises:
        ValueError, KeyError, IndexError: it has none.
    """
    start = answer.head.lower().index(_HEADER_LENGTH) + len(_HEADER_LENGTH)
    place = header_end = int(answer.head[start:].split(b"\r\n", 1)[0])
    for output in json.loads(answer.body[:header_end])["outputs"]:
        if output["name"] == contract.CLASS_ID:
            return int.from_bytes(answer.body[place : place + _CLASS_ID_BYTES], "little", signed=True)
        place += output["parameters"]["binary_data_size"]
    raise KeyError(contract.CLASS_ID)


def right_classes(predictions: Sequence[Prediction]) -> frozenset[int]:
    """The best class, and those that are as good as equal; `predictions` are best first."""
    best = predictions[0].score
    return frozenset(prediction.class_id for prediction in predictions if prediction.score > best - _AS_GOOD)
