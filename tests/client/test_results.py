import copy
import dataclasses
import pickle
from typing import Any

import pytest

from triptych import Classification, DeadlineExceededError, Health, ImageError, OverloadedError, Prediction, ServerError

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
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_travels_between_processes(error: Exception) -> None:
    arrived = pickle.loads(pickle.dumps(error))  # noqa: S301  our own bytes
    assert (type(arrived), str(arrived), vars(arrived)) == (type(error), str(error), vars(error))
