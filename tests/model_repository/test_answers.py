"""What is counted of answers."""

from types import ModuleType

import numpy as np
import pytest

PREDICTIONS, BUCKET = "triptych_predictions_total", "triptych_top_score_bucket"


def test_few_classes_are_counted_by_their_labels(answers: ModuleType) -> None:
    assert answers.groups(["cat", "dog, hound", "Zürich"]) == ["cat", "dog, hound", "Zürich"]


@pytest.mark.parametrize(("classes", "count"), [(1, 1), (64, 64), (65, 33), (1000, 63), (21_841, 43)])
def test_many_classes_are_counted_by_few_groups_that_hold_each_once(
    answers: ModuleType, classes: int, count: int
) -> None:
    labels = [f"c{number}" for number in range(classes)]
    assert len(answers.groups(labels)) == count
    assert len(set(answers.groups(labels))) == count <= answers.MOST_GROUPS


def test_a_group_is_called_by_its_first_and_its_last(answers: ModuleType) -> None:
    groups = answers.groups([f"c{number}" for number in range(1000)])
    assert groups[0] == "0-15 c0 to c15"
    assert groups[-1] == "992-999 c992 to c999"


def test_a_class_more_leaves_all_groups_but_the_last(answers: ModuleType) -> None:
    before, after = (answers.groups([f"c{number}" for number in range(classes)]) for classes in (1000, 1001))
    assert before[:-1] == after[:-1]


def test_each_answer_is_counted_once_by_class_and_below_each_bound(answers: ModuleType) -> None:
    counting = answers.Answers(["cat", "dog", "fish"])
    batches = [
        _ranked(answers, [0, 2, -1], [0.5, 0.951, 0.0], [False, False, True]),
        _ranked(answers, [2], [1.0], [False]),
        _ranked(answers, [], [], []),
    ]
    grown = counting.count(batches)
    assert set(grown) == set(counting.known)
    by_class = {value: amount for (family, value), amount in grown.items() if family == PREDICTIONS}
    assert by_class == {"cat": 1, "dog": 0, "fish": 2}
    below = {value: amount for (family, value), amount in grown.items() if family == BUCKET}
    assert (below["0.4"], below["0.5"], below["0.9"], below["0.95"], below["0.99"], below["+Inf"]) == (0, 1, 1, 1, 2, 3)
    assert grown["triptych_top_score_count", ""] == 3
    assert grown["triptych_top_score_sum", ""] == pytest.approx(2.451)
    assert grown["triptych_image_errors_total", "not_finite"] == 1


def test_classes_of_one_label_are_counted_together(answers: ModuleType) -> None:
    grown = answers.Answers(["crane", "bird", "crane"]).count([_ranked(answers, [0, 2], [0.9, 0.9], [False, False])])
    assert grown[PREDICTIONS, "crane"] == 2


def _ranked(answers: ModuleType, class_ids: list[int], scores: list[float], not_finite: list[bool]) -> object:
    return answers.Ranked(np.array(class_ids, np.int32), np.array(scores, np.float32), np.array(not_finite, np.bool_))
