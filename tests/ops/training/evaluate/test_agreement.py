"""Two answers to the same images."""

import numpy as np
import pytest

from triptych_ops.training.evaluate import compare

_NAMES = ("a", "b", "c")


def test_the_same_answers_agree() -> None:
    own = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]], np.float32)
    served = np.array([[0.7, 0.2, np.nan], [np.nan, 0.8, 0.1], [0.3, np.nan, 0.41]], np.float32)  # K = 2
    found = compare(own, served, _NAMES)
    assert (found.share, found.differing, found.ties) == (1, (), 0)
    assert found.score_max_difference == pytest.approx(0.01)
    assert found.score_mean_difference == pytest.approx(0.01 / 3)


def test_another_best_class_is_named_unless_rounding_decides() -> None:
    own = np.array([[0.7, 0.3], [0.501, 0.499], [0.2, 0.8]], np.float32)
    served = np.array([[0.4, 0.6], [0.499, 0.501], [0.2, 0.8]], np.float32)
    found = compare(own, served, _NAMES)
    assert found.differing == ("a",)
    assert found.ties == 1
    assert found.share == pytest.approx(2 / 3)
