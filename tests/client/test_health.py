import io
import math

import pytest
from PIL import Image

from triptych import Classification, Prediction
from triptych.health import image, judge, known_answer

PARAMETERS = {"health_class_id": "967", "health_score": "0.612345", "another": "of no interest"}


def answer(*predictions: tuple[int, str, float]) -> Classification:
    return Classification(tuple(Prediction(*each) for each in predictions), 7, "request-1", 0.25)


def test_the_built_in_image_is_a_photograph_that_decodes() -> None:
    with Image.open(io.BytesIO(image())) as photograph:
        photograph.load()
        assert photograph.format == "JPEG"


@pytest.mark.parametrize("score", [0.612345, 0.6, 0.63])
def test_the_known_answer_is_right_within_its_tolerance(score: float) -> None:
    ok, reason = judge(answer((967, "espresso", score), (504, "coffee mug", 0.2)), PARAMETERS)
    assert ok
    assert reason == f"answers class 967 (espresso) with {score:.3f}, as known"


@pytest.mark.parametrize(
    ("class_id", "score"),
    [(504, 0.612345), (-967, 0.612345), (967, 0.592), (967, 0.633), (967, 0.0), (967, 1.0)],
    ids=["wrong class", "wrong sign", "just too low", "just too high", "zero", "one"],
)
def test_another_answer_than_the_known_one_is_wrong(class_id: int, score: float) -> None:
    ok, reason = judge(answer((class_id, "espresso", score)), PARAMETERS)
    assert not ok
    assert reason == (f"answers class {class_id} (espresso) with {score:.3f}; the known answer is class 967 with 0.612")


def test_only_the_best_class_is_compared() -> None:
    assert not judge(answer((504, "coffee mug", 0.7), (967, "espresso", 0.612345)), PARAMETERS)[0]


@pytest.mark.parametrize("parameters", [PARAMETERS, None])
@pytest.mark.parametrize(
    "malformed",
    [
        answer((967, "espresso", math.nan)),
        answer((967, "espresso", 0.612345), (504, "coffee mug", math.nan)),
        answer((967, "espresso", math.inf)),
        answer((967, "espresso", 1.1)),
        answer((967, "espresso", 0.612345), (504, "coffee mug", -0.1)),
        answer((967, "espresso", 0.612345), (504, "coffee mug", 0.7)),
        answer((967, "espresso", 0.612345), (504, "coffee mug", 0.1), (1, "goldfish", 0.2)),
        answer((967, "", 0.612345)),
        answer((967, "espresso", 0.612345), (504, "", 0.1)),
    ],
    ids=["NaN", "second NaN", "infinite", "above 1", "negative", "unsorted", "later unsorted", "no label", "later"],
)
def test_a_malformed_answer_is_wrong_whatever_is_known(
    malformed: Classification, parameters: dict[str, str] | None
) -> None:
    ok, reason = judge(malformed, parameters)
    assert not ok
    assert reason.startswith("the answer is malformed")


@pytest.mark.parametrize(
    "parameters",
    [
        None,
        {},
        {"another": "of no interest"},
        {"health_class_id": "967"},
        {"health_score": "0.6"},
        {"health_class_id": "espresso", "health_score": "0.6"},
        {"health_class_id": "967", "health_score": "high"},
        {"health_class_id": "", "health_score": ""},
        {"health_class_id": "9" * 6000, "health_score": "0.6"},
        {"health_class_id": "٣", "health_score": "0.6"},
        {"health_class_id": "-5", "health_score": "0.6"},
        {"health_class_id": "967", "health_score": "nan"},
        {"health_class_id": "967", "health_score": "inf"},
        {"health_class_id": "967", "health_score": "1.5"},
        {"health_class_id": "967", "health_score": "0." + "6" * 6000},
    ],
)
def test_without_a_known_answer_only_the_form_is_judged(parameters: dict[str, str] | None) -> None:
    assert known_answer(parameters) is None
    ok, reason = judge(answer((1, "goldfish", 0.5), (2, "shark", 0.5)), parameters)
    assert ok
    assert reason == "answers 'goldfish'; the release's known answer is not readable here"


def test_the_known_answer_is_read_from_the_parameters_of_the_release() -> None:
    assert known_answer(PARAMETERS) == (967, 0.612345)
