from typing import Any

import pytest
from pydantic import ValidationError

from triptych_ops.preprocessing import Preprocessing

GOOD: dict[str, Any] = {
    "resize": 256,
    "crop": 224,
    "interpolation": "bicubic",
    "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5],
}


def test_a_definition_survives_its_json() -> None:
    definition = Preprocessing(**GOOD)
    assert Preprocessing.model_validate_json(definition.model_dump_json()) == definition


@pytest.mark.parametrize(
    "wrong",
    [
        {"crop": 257},
        {"resize": 0},
        {"interpolation": "lanczos"},
        {"mean": [0.5]},
        {"std": [0.5, 0.0, 0.5]},
        {"std": [0.5, -1.0, 0.5]},
        {"resize": "256"},
        {"colour": "RGB"},
        {"limits": {"max_pixels": 0}},
        {"limits": {"formats": []}},
    ],
)
def test_a_senseless_definition_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Preprocessing(**GOOD | wrong)
