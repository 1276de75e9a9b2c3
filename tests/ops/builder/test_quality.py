import numpy as np
import pytest
from numpy.typing import NDArray

from triptych import Classification, Prediction
from triptych_ops.builder import quality
from triptych_ops.builder.quality import GATES, Disagreement, Gate, Measured
from triptych_ops.errors import RefusedError

LABELS = ("cat", "dog", "fish")
NAMES = ("a.jpg", "b.jpg", "c.jpg", "d.jpg")
GATE = Gate(top1_agreement_minimum=0.75, score_mean_tolerance=0.1, score_max_tolerance=0.2, tie=0.01)


def answer(*pairs: tuple[int, float]) -> Classification:
    predictions = tuple(Prediction(class_id, LABELS[class_id], score) for class_id, score in pairs)
    return Classification(predictions, 1, "id", 0.01)


def probabilities(*rows: tuple[float, float, float]) -> NDArray[np.float32]:
    return np.array(rows, dtype=np.float32)


def test_agreement_is_a_share_and_differences_are_over_all_served_classes() -> None:
    answers = [answer((0, 0.7), (1, 0.2)), answer((1, 0.5), (0, 0.4))]
    found = quality.measure(answers, probabilities((0.7, 0.21, 0.09), (0.6, 0.4, 0.0)), LABELS)
    assert found.top1_agreement(tie=0) == 0.5
    assert found.disagreements[0].index == 1
    assert found.disagreements[0].margin == pytest.approx(0.2)
    assert found.score_max_difference == pytest.approx(0.2)
    assert found.score_mean_difference == pytest.approx(0.105)


def measured(disagreements: int = 0, differences: float = 0.0, *, margin: float = 0.5) -> Measured:
    """Of four images, the last ones disagreeing, all differing as much."""
    indices = range(4 - disagreements, 4)
    return Measured(tuple(Disagreement(index, margin) for index in indices), (differences,) * 4)


def test_what_is_within_every_bound_passes() -> None:
    quality.require(measured(disagreements=1, differences=0.1), GATE, NAMES)


def test_too_many_other_classes_are_refused_and_the_first_is_named() -> None:
    with pytest.raises(RefusedError, match=r"agrees with torch on 50.0% of 4 images, .* 75.0% .* differs is c.jpg"):
        quality.require(measured(disagreements=2), GATE, NAMES)


def test_a_tie_agrees_and_only_a_tie() -> None:
    quality.require(measured(disagreements=4, margin=0.01), GATE, NAMES)
    with pytest.raises(RefusedError, match=r"on 0\.0% of 4"):
        quality.require(measured(disagreements=4, margin=0.0101), GATE, NAMES)
    with pytest.raises(RefusedError, match=r"on 0\.0% of 4"):
        quality.require(measured(disagreements=4, margin=float("nan")), GATE, NAMES)


@pytest.mark.parametrize("difference", [0.101, float("nan"), float("inf")])
def test_a_mean_drift_beyond_the_tolerance_is_refused(difference: float) -> None:
    with pytest.raises(RefusedError, match=r"in the mean of 4 images, at most 0\.1"):
        quality.require(measured(differences=difference), GATE, NAMES)


def test_a_single_drift_beyond_the_tolerance_is_refused_and_named() -> None:
    found = Measured((), (0.0, 0.21, 0.0, 0.0))
    with pytest.raises(RefusedError, match=r"differs from torch's by 0.210, at most 0.2 is accepted; .* b.jpg"):
        quality.require(found, GATE, NAMES)
    quality.require(found, Gate(0.75, 0.1, score_max_tolerance=None), NAMES)


def test_a_users_own_minimum_replaces_the_gates() -> None:
    assert GATE.with_minimum(None) == GATE
    quality.require(measured(disagreements=2), GATE.with_minimum(0.5), NAMES)


@pytest.mark.parametrize("place", [0, 1])
def test_a_score_that_is_no_number_is_never_lost(place: int) -> None:
    scores = [0.7, 0.2]
    scores[place] = float("nan")
    found = quality.measure([answer((0, scores[0]), (1, scores[1]))], probabilities((0.7, 0.2, 0.1)), LABELS)
    with pytest.raises(RefusedError, match="differ from torch's by nan"):
        quality.require(found, GATE, ["a.jpg"])


def test_a_class_under_another_label_is_refused() -> None:
    with pytest.raises(RefusedError, match="class 1 is served as 'dog', not 'fish'"):
        quality.measure([answer((1, 0.9))], probabilities((0.1, 0.9, 0.0)), ("cat", "fish", "dog"))


def test_the_agreed_defaults() -> None:
    assert GATES["fp32"].top1_agreement_minimum == 1
    assert GATES["int8"].top1_agreement_minimum == 0.98
    assert GATES["int8"].tie == 0


@pytest.mark.parametrize(("others", "is_accepted"), [(0, True), (1, True), (2, False)])
def test_of_a_users_own_images_one_in_a_hundred_may_be_beyond(others: int, is_accepted: bool) -> None:
    found = Measured((), (0.03,) * others + (0.0,) * (100 - others))
    names = [f"{index}.png" for index in range(100)]
    gate = GATES["fp32"].for_own_images()
    if is_accepted:
        quality.require(found, gate, names)
    else:
        with pytest.raises(
            RefusedError, match=r"at most 0\.02 is accepted but for 1% of the images; the image is 0\.png"
        ):
            quality.require(found, gate, names)


def test_a_score_that_is_no_number_is_beyond_for_all_that() -> None:
    with pytest.raises(RefusedError):
        quality.require(Measured((), (float("nan"),) + (0.0,) * 999), GATES["fp32"].for_own_images(), ["a"] * 1000)


def test_no_answers_are_refused_and_divide_nothing() -> None:
    with pytest.raises(RefusedError, match="no image to compare served answers with torch's on"):
        quality.measure([], np.zeros((0, 3), np.float32), LABELS)


def test_a_reference_of_nan_is_named_for_what_it_is() -> None:
    quality.require_finite(probabilities((0.5, 0.3, 0.2)), "resnet18")
    with pytest.raises(RefusedError, match="resnet18 gives NaN for 1 of 2 images, in torch itself"):
        quality.require_finite(probabilities((0.5, 0.3, 0.2), (float("nan"), 0.3, 0.2)), "resnet18")
