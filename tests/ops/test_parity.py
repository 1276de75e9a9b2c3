import numpy as np
import pytest
from numpy.typing import NDArray

from triptych import Classification, Prediction
from triptych_ops import parity
from triptych_ops.errors import RefusedError

LABELS = ("cat", "dog", "fish")


def answer(*pairs: tuple[int, float]) -> Classification:
    predictions = tuple(Prediction(class_id, LABELS[class_id], score) for class_id, score in pairs)
    return Classification(predictions, 1, "id", 0.01)


def probabilities(*values: float) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32)


def test_agreement_is_a_share_and_the_difference_is_over_all_served_classes() -> None:
    answers = [answer((0, 0.7), (1, 0.2)), answer((1, 0.5), (0, 0.4))]
    found = parity.compare(answers, [probabilities(0.7, 0.21, 0.09), probabilities(0.6, 0.4, 0.0)], LABELS)
    assert found.top1_agreement == 0.5
    assert found.score_max_difference == pytest.approx(0.2)


def test_another_first_class_is_refused() -> None:
    with pytest.raises(RefusedError, match="agrees with torch on 50"):
        parity.require(parity.ServedParity(0.5, 0.0))


@pytest.mark.parametrize("difference", [0.0201, float("nan"), float("inf")])
def test_a_difference_beyond_the_tolerance_is_refused(difference: float) -> None:
    with pytest.raises(RefusedError, match="differs from torch's by"):
        parity.require(parity.ServedParity(1.0, difference))


def test_a_difference_within_the_tolerance_passes() -> None:
    parity.require(parity.ServedParity(1.0, 0.02))


@pytest.mark.parametrize("place", [0, 1])
def test_a_score_that_is_no_number_is_never_lost(place: int) -> None:
    scores = [0.7, 0.2]
    scores[place] = float("nan")
    found = parity.compare([answer((0, scores[0]), (1, scores[1]))], [probabilities(0.7, 0.2, 0.1)], LABELS)
    with pytest.raises(RefusedError, match="differs from torch's by nan"):
        parity.require(found)


def test_a_class_under_another_label_is_refused() -> None:
    with pytest.raises(RefusedError, match="class 1 is served as 'dog', not 'fish'"):
        parity.compare([answer((1, 0.9))], [probabilities(0.1, 0.9, 0.0)], ("cat", "fish", "dog"))
