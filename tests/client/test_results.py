import copy
import dataclasses
import json
import pickle
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from triptych import (
    Classification,
    DeadlineExceededError,
    Embedding,
    Health,
    ImageError,
    OverloadedError,
    Prediction,
    Release,
    ServerError,
)
from triptych.calls.failures import of_request

RESULT = Classification((Prediction(7, "cat", 0.75), Prediction(3, "dog", 0.25)), 12, "request-1", 0.25)
HEALTH = Health(ok=True, reason="as known", answered=True, known=True, release=12, elapsed_s=0.1)


def test_the_best_class_is_the_first() -> None:
    assert RESULT.top == Prediction(7, "cat", 0.75)


@pytest.mark.parametrize("value", [RESULT, RESULT.top, HEALTH], ids=lambda value: type(value).__name__)
def test_a_result_cannot_be_changed_and_travels_between_processes(value: Any) -> None:
    with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
        setattr(value, dataclasses.fields(value)[0].name, None)
    assert pickle.loads(pickle.dumps(value)) == copy.copy(value) == value  # noqa: S301  our own bytes


@pytest.mark.parametrize(
    "error",
    [
        ImageError("corrupt_image", "broken", source="cat.jpg", index=4),
        OverloadedError("full", retry_after_s=2.0),
        ServerError("dead", lasting=True),
        DeadlineExceededError("late"),
        of_request(ServerError("dead"), request_id="request-1-2", endpoint="grpc://h:1", attempts=2),
        of_request(ImageError("corrupt_image", "", source="x"), request_id="1", endpoint="grpc://h:1", attempts=1),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_travels_between_processes(error: Exception) -> None:
    arrived = pickle.loads(pickle.dumps(error))  # noqa: S301  our own bytes
    assert (type(arrived), str(arrived), vars(arrived)) == (type(error), str(error), vars(error))


REQUEST = {
    "release": 12,
    "request_id": "request-1",
    "elapsed_s": 0.25,
    "attempts": 1,
    "model_version": "",
    "endpoint": "",
    "attempt_s": 0.0,
    "read_s": 0.0,
    "index": 0,
    "source": "image 0",
}
RELEASE = {
    "number": 12,
    "model_version": "12",
    "endpoint": "grpc://h:1",
    "top_k": 5,
    "embedding_size": 2,
    "labels": None,
    "resize": 232,
}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (RESULT.top, {"class_id": 7, "label": "cat", "score": 0.75}),
        (
            RESULT,
            {
                "predictions": [
                    {"class_id": 7, "label": "cat", "score": 0.75},
                    {"class_id": 3, "label": "dog", "score": 0.25},
                ],
                **REQUEST,
            },
        ),
        (
            Embedding(np.array([0.5, 0.25], np.float32), 12, "request-1", 0.25),
            {"vector": [0.5, 0.25], **REQUEST},
        ),
        (HEALTH, dataclasses.asdict(HEALTH)),
        (
            Release(**RELEASE, parameters=MappingProxyType({"labels": "many"})),  # type: ignore[arg-type]
            {**RELEASE, "parameters": {"labels": "many"}},
        ),
        (Release(**RELEASE, parameters=None), {**RELEASE, "parameters": None}),  # type: ignore[arg-type]
        (
            of_request(
                ImageError("corrupt_image", "broken", source="cat.jpg", index=4),
                request_id="request-1",
                endpoint="grpc://h:1",
                attempts=1,
            ),
            {
                "code": "corrupt_image",
                "message": "broken",
                "source": "cat.jpg",
                "index": 4,
                "request_id": "request-1",
                "endpoint": "grpc://h:1",
                "attempts": 1,
            },
        ),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_result_is_a_dictionary_for_json(result: Any, expected: dict[str, Any]) -> None:
    assert result.to_dict() == expected
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False)) == expected
