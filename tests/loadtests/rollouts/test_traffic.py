"""What samples of a rollout tell, and which answers are mixed."""

import math

import pytest

from loadtests.pictures import Picture
from loadtests.records import DROPPED, MIXED, OK, Sample
from loadtests.rollouts import document, traffic
from loadtests.users.known_answers import TOLERANCE, KnownAnswers
from triptych import Classification, ImageError, Prediction

CAT, DOG = Picture("cat", b"c"), Picture("dog", b"d")


def sample(done_s: float, release: int = 7, code: str = OK) -> Sample:
    sent_s = math.nan if code == DROPPED else done_s - 0.1
    return Sample("rollout", "grpc", "cat", code, release, 1, 1, done_s - 0.2, sent_s, done_s)


def test_who_answered_when() -> None:
    found = traffic([*(sample(0.5 + at) for at in range(4)), *(sample(3.6 + at, 8) for at in range(6))])
    assert found.is_clean
    assert [(each.release, each.answered, each.share) for each in found.releases] == [(7, 4, 0.4), (8, 6, 0.6)]
    assert [(each.first_s, each.last_s) for each in found.releases] == [(0.5, 3.5), (3.6, 8.6)]
    assert found.releases[0].p50_s == pytest.approx(0.2)
    assert found.by_second[3] == (3, {7: 1, 8: 1})
    assert str(found) == "0 failed, 0 mixed, 0 dropped of 10 requests"
    assert document(found)["schema_version"] == 1


def test_what_went_wrong_is_told_apart() -> None:
    wrong = [sample(2.0, code=code) for code in (MIXED, "unavailable", "unavailable", "server", DROPPED)]
    found = traffic([sample(1.0), *wrong])
    assert not found.is_clean
    assert str(found) == "3 failed (1 server, 2 unavailable), 1 mixed, 1 dropped of 6 requests"
    assert [each.answered for each in found.releases] == [1]


def answer(class_id: int, score: float, *, release: int = 7) -> Classification:
    rest = Prediction(99, "another", (1 - score) / 2)
    return Classification((Prediction(class_id, "", score), rest), release, "id", 0.1)


@pytest.mark.parametrize(
    ("later", "is_mixed"),
    [
        (answer(1, 0.8), False),
        (answer(1, 0.8 + 0.9 * TOLERANCE), False),
        (answer(1, 0.8 - 1.1 * TOLERANCE), True),
        (answer(2, 0.8), True),
        (answer(2, 0.8, release=8), False),
        (ImageError("corrupt_image", "it is broken", source="image 0"), False),
    ],
)
def test_a_release_answers_as_it_did(later: Classification | ImageError, is_mixed: bool) -> None:
    known = KnownAnswers()
    assert not known.are_mixed([answer(1, 0.8)], [CAT])
    assert known.are_mixed([later], [CAT]) is is_mixed
    assert not known.are_mixed([answer(5, 0.3)], [DOG])


def test_two_classes_that_are_as_good_may_change_places() -> None:
    known, one, other = KnownAnswers(), Prediction(1, "", 0.41), Prediction(2, "", 0.40)
    assert not known.are_mixed([Classification((one, other), 7, "id", 0.1)], [CAT])
    assert not known.are_mixed([Classification((other, one), 7, "id", 0.1)], [CAT])


def test_two_releases_do_not_answer_one_request() -> None:
    assert KnownAnswers().are_mixed([answer(1, 0.8), answer(1, 0.8, release=8)], [CAT, DOG])
