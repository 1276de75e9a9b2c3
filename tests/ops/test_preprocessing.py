import json
from typing import Any

import pytest
from pydantic import ValidationError

from triptych_ops.errors import UsageError
from triptych_ops.preprocessing import Preprocessing, reason

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
        {"interpolation": "nearest"},
        {"interpolation": "box"},
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


def of_json(**changed: Any) -> Preprocessing:
    return Preprocessing.model_validate_json(json.dumps(GOOD | changed))


@pytest.mark.parametrize(
    ("given", "resize", "crop", "words"),
    [
        ({"resize": 256}, 256, 224, "shorter side to 256 pixels"),  # as every release before had it
        ({"resize": [256]}, 256, 224, "shorter side to 256 pixels"),  # as torchvision's presets have it
        ({"resize": [224, 224]}, (224, 224), 224, "exactly 224 x 224 pixels"),
        ({"resize": [256, 320]}, (256, 320), 224, "exactly 256 x 320 pixels, height x width"),
        ({"resize": [1024, 1024], "crop": [224, 224]}, (1024, 1024), 224, "exactly 1,024 x 1,024 pixels"),
    ],
)
def test_a_resize_is_a_shorter_side_or_an_exact_size(
    given: dict[str, Any], resize: int | tuple[int, int], crop: int, words: str
) -> None:
    definition = of_json(**given)
    assert (definition.resize, definition.crop, definition.resize_words) == (resize, crop, words)
    again = Preprocessing.model_validate_json(definition.model_dump_json())
    assert again == definition
    assert Preprocessing(**dict(definition)) == definition


def test_the_crop_may_be_a_share_of_the_resized_side_as_in_timm() -> None:
    document = {name: value for name, value in GOOD.items() if name != "resize"}
    sides = {}
    for share in (0.95, 0.875, 0.9, 1, 1.0):
        definition = Preprocessing.model_validate_json(json.dumps(document | {"crop_pct": share}))
        sides[share] = definition.resize
        assert "crop_pct" not in definition.model_dump()
    assert sides == {0.95: 235, 0.875: 256, 0.9: 248, 1.0: 224}  # timm's floor(crop / crop_pct)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"resize": [224, 224, 224]}, "resize: [224, 224, 224] is neither the pixels of the shorter side nor an exact"),
        ({"resize": []}, "resize: [] is neither"),
        ({"resize": 0}, "resize: 0 is neither"),
        ({"resize": [0, 224]}, "resize: [0, 224] is neither"),
        ({"resize": [224.0, 224]}, "resize: [224.0, 224] is neither"),
        ({"resize": [True, 224]}, "resize: [True, 224] is neither"),
        ({"resize": "224,224"}, "resize: '224,224' is neither"),
        ({"resize": 65_536}, "resize: 65536 is neither"),
        ({"resize": [224] * 100_000}, "... is neither"),
        ({"resize": [256, 200]}, "crop 224 is larger than resize [256, 200]"),
        ({"resize": 200}, "crop 224 is larger than resize 200"),
        ({"crop": [224, 192]}, "crop: [224, 192] is not square; a release cuts out squares"),
        ({"crop": 0}, "crop: 0 is no number of pixels from 1 to 65535"),
        ({"crop_pct": 0.9}, "resize and crop_pct both say how large the resized image is; leave one of them out"),
        ({"resize": ..., "crop_pct": 0}, "crop_pct 0 is not above 0 and at most 1"),
        ({"resize": ..., "crop_pct": 1.15}, "crop_pct 1.15 is not above 0 and at most 1"),
        ({"resize": ..., "crop_pct": "0.9"}, "crop_pct '0.9' is not above 0 and at most 1"),
        ({"resize": ..., "crop_pct": 1e-9}, "asks for more than 65535 pixels"),
        ({"resize": ..., "crop": ..., "crop_pct": 0.9}, "crop_pct is a share of crop, and crop is missing"),
    ],
)
def test_a_bad_size_is_refused_in_one_line(changed: dict[str, Any], words: str) -> None:
    document = {name: value for name, value in (GOOD | changed).items() if value is not ...}
    with pytest.raises(ValidationError) as raised:
        Preprocessing.model_validate_json(json.dumps(document))
    (_,) = raised.value.errors()
    assert words in reason(raised.value)
    assert "\n" not in reason(raised.value)
    assert len(reason(raised.value)) < 200


@pytest.mark.parametrize(
    ("resize", "choices", "expected"),
    [
        (256, {}, (256, 224)),
        (256, {"resize": (224, 224)}, ((224, 224), 224)),
        (256, {"crop": 112}, (128, 112)),
        ((256, 320), {"crop": 112}, ((128, 160), 112)),
        ((224, 224), {"crop": 96}, ((96, 96), 96)),
        (256, {"crop_pct": 1.0}, (224, 224)),
        ((300, 300), {"crop_pct": 0.875}, ((256, 256), 224)),
        ((224, 224), {"resize": 256}, (256, 224)),
        (256, {"resize": 384, "crop": 384}, (384, 384)),
    ],
)
def test_what_a_user_chooses_takes_the_place_of_the_weights_own(
    resize: int | tuple[int, int], choices: dict[str, Any], expected: tuple[int | tuple[int, int], int]
) -> None:
    definition = Preprocessing(**GOOD | {"resize": resize})
    adjusted = definition.adjusted(**choices)
    assert (adjusted.resize, adjusted.crop) == expected
    assert adjusted.model_copy(update={"resize": resize, "crop": 224}) == definition


def test_a_choice_that_leaves_no_room_for_the_crop_is_refused() -> None:
    with pytest.raises(UsageError, match=r"crop 224 is larger than resize \[128, 256\]; choose a larger --resize or"):
        Preprocessing(**GOOD).adjusted(resize=(128, 256))
