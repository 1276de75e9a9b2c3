"""What an answer counts as, by what was sent."""

import pytest

from loadtests.pictures import Picture
from loadtests.records import MIXED, NOT_REFUSED, OK, REFUSED
from loadtests.users.known_answers import KnownAnswers
from loadtests.users.outcomes import IMAGE, of_answers, of_failure
from triptych import Classification, DeadlineExceededError, ImageError, OverloadedError, Prediction, TriptychError

GOOD, BAD = Picture("good", b"x"), Picture("bad", b"y", is_invalid=True)
ANSWER = Classification((Prediction(1, "cat", 0.5),), 7, "id", 0.1)
ERROR = ImageError("corrupt_image", "it is broken", source="image 0")


@pytest.mark.parametrize(
    ("answers", "pictures", "code", "release"),
    [
        ([ANSWER], [GOOD], OK, 7),
        ([ERROR], [BAD], REFUSED, 0),
        ([ANSWER], [BAD], NOT_REFUSED, 7),
        ([ERROR], [GOOD], IMAGE, 0),
        ([ANSWER, ERROR], [GOOD, BAD], OK, 7),
        ([ANSWER, ERROR], [BAD, BAD], NOT_REFUSED, 7),
        ([ANSWER, ERROR], [GOOD, GOOD], IMAGE, 7),
    ],
)
def test_answers(answers: list[Classification | ImageError], pictures: list[Picture], code: str, release: int) -> None:
    assert of_answers(answers, pictures, known=KnownAnswers()) == (code, release)


@pytest.mark.parametrize(
    ("prediction", "release", "code"),
    [
        (Prediction(1, "cat", 0.52), 7, OK),
        (Prediction(1, "dog", 0.5), 8, OK),
        (Prediction(1, "cat", 0.9), 7, MIXED),  # another network's score
        (Prediction(1, "dog", 0.5), 7, MIXED),  # another release's label
    ],
)
def test_an_answer_that_its_release_did_not_give_is_mixed(prediction: Prediction, release: int, code: str) -> None:
    known = KnownAnswers()
    of_answers([ANSWER], [GOOD], known=known)
    later = Classification((prediction,), release, "id", 0.1)
    assert of_answers([later], [GOOD], known=known).code == code


@pytest.mark.parametrize(
    ("error", "pictures", "code"),
    [
        (ERROR, [BAD], REFUSED),
        (ERROR, [GOOD], IMAGE),
        (OverloadedError("full"), [GOOD], "overloaded"),
        (OverloadedError("full"), [BAD], "overloaded"),
        (DeadlineExceededError("late"), [GOOD], "deadline_exceeded"),
    ],
)
def test_failures(error: TriptychError, pictures: list[Picture], code: str) -> None:
    assert of_failure(error, pictures) == (code, 0)
