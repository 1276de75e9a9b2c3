import numpy as np
import pytest
from numpy.typing import NDArray

from triptych import Classification, Prediction
from triptych_ops import parity
from triptych_ops.errors import RefusedError


def answer(*pairs: tuple[int, float]) -> Classification:
    return Classification(tuple(Prediction(class_id, "label", score) for class_id, score in pairs), 1, "id", 0.01)


def probabilities(*values: float) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32)


def test_agreement_is_a_share_and_the_difference_is_over_all_served_classes() -> None:
    answers = [answer((0, 0.7), (1, 0.2)), answer((1, 0.5), (0, 0.4))]
    found = parity.compare(answers, [probabilities(0.7, 0.21, 0.09), probabilities(0.6, 0.4, 0.0)])
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
