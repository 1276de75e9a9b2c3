"""What an answer, or the lack of one, counts as."""

from collections.abc import Sequence
from typing import NamedTuple

from loadtests.pictures import Picture
from loadtests.records.sample import MIXED, NOT_REFUSED, OK, REFUSED
from triptych import Classification, ImageError, TriptychError
from triptych.observing import outcome

from .known_answers import KnownAnswers

IMAGE = "image"
"""A good picture that was refused."""


class Asked(NamedTuple):
    """What came of a request: `code` as of `Sample`, and the release that answered, or 0."""

    code: str
    release: int


def of_failure(error: TriptychError, pictures: Sequence[Picture]) -> Asked:
    """A request without an answer. Where all of its images are invalid, a refusal is right."""
    if isinstance(error, ImageError):
        return Asked(REFUSED if all(picture.is_invalid for picture in pictures) else IMAGE, 0)
    return Asked(outcome(error), 0)


def of_answers(
    answers: Sequence[Classification | ImageError], pictures: Sequence[Picture], *, known: KnownAnswers
) -> Asked:
    """An answered request: as its worst picture, `refused` where all were invalid and refused."""
    release, codes = 0, set()
    for answer, picture in zip(answers, pictures, strict=True):
        if isinstance(answer, ImageError):
            codes.add(REFUSED if picture.is_invalid else IMAGE)
        else:
            release = answer.release
            codes.add(NOT_REFUSED if picture.is_invalid else OK)
    if known.are_mixed(answers, pictures):
        codes.add(MIXED)
    return Asked(next(code for code in _WORST_FIRST if code in codes), release)


_WORST_FIRST = (MIXED, IMAGE, NOT_REFUSED, OK, REFUSED)
