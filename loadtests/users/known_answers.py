"""What each release answered to each picture, and whether it still does."""

from collections.abc import Sequence
from typing import Final

from loadtests.pictures import Picture
from triptych import Classification, ImageError

TOLERANCE: Final = 0.05
"""Of a score. The same network gives another one by batch size and machine, by some thousandths."""


class KnownAnswers:
    """Tells answers that no release can have given by itself.

    Where an ensemble is made of members of two releases, or an answer of one is sent under the name of another, nothing
    fails. But a release's answer to a picture is always the same. So the first one is kept, and each later one that
    names this release is held against it: its best class has to have the same score, within `TOLERANCE`, and each class
    the label that the release gave it before. Where the first one itself was mixed, all that follow are told: that
    there are two answers is found, not which is right.
    """

    def __init__(self) -> None:
        self._first: dict[tuple[int, str], tuple[int, float]] = {}
        self._labels: dict[tuple[int, int], str] = {}

    def are_mixed(self, answers: Sequence[Classification | ImageError], pictures: Sequence[Picture]) -> bool:
        """Whether two releases answered one request, or one otherwise than before."""
        classified = [
            (answer, picture)
            for answer, picture in zip(answers, pictures, strict=True)
            if isinstance(answer, Classification)
        ]
        if len({answer.release for answer, _ in classified}) > 1:
            return True
        differing = [self._differs(answer, picture) or self._is_renamed(answer) for answer, picture in classified]
        return any(differing)

    def _differs(self, answer: Classification, picture: Picture) -> bool:
        top = answer.top
        class_id, score = self._first.setdefault((answer.release, picture.name), (top.class_id, top.score))
        if top.class_id == class_id:
            return abs(top.score - score) > TOLERANCE
        now = next((each.score for each in answer.predictions if each.class_id == class_id), 0.0)
        return abs(now - score) > TOLERANCE

    def _is_renamed(self, answer: Classification) -> bool:
        """Labels of another release."""
        first = [self._labels.setdefault((answer.release, each.class_id), each.label) for each in answer.predictions]
        return first != [each.label for each in answer.predictions]
