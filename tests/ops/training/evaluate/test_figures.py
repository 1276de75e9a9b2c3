"""Figures by hand-counted answers, and against definitions written another way."""

import numpy as np
import pytest
from sklearn import metrics

from triptych_ops.training.evaluate import calibrate, evaluate, time_answers

_SCORES = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.2, 0.7, 0.1], [0.1, 0.5, 0.4], [0.6, 0.3, 0.1]], np.float32)
_LABELS = [0, 0, 1, 2, 1]
_CLASSES = ("a", "b", "c")


def test_figures_counted_by_hand() -> None:
    found = evaluate(_SCORES, _LABELS, _CLASSES)
    assert found.images == 5
    assert found.accuracy == 2 / 5
    assert found.top_k == {1: 2 / 5, 3: 1.0}
    assert found.confusion.tolist() == [[1, 1, 0], [1, 1, 0], [0, 1, 0]]
    first, second, third = found.classes
    assert (first.precision, first.recall, first.f1) == (1 / 2, 1 / 2, 1 / 2)
    assert (second.precision, second.recall, second.f1) == (1 / 3, 1 / 2, 2 / 5)
    assert (third.precision, third.recall, third.f1) == (None, 0, 0)
    assert found.macro_f1 == pytest.approx((1 / 2 + 2 / 5 + 0) / 3)


def test_figures_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    scores = random.dirichlet(np.ones(6), 500).astype(np.float32)
    labels = random.integers(0, 6, 500)
    found = evaluate(scores, labels.tolist(), tuple("abcdef"))
    answered = scores.argmax(axis=1)
    precision, recall, f1, images = metrics.precision_recall_fscore_support(labels, answered)
    for place, each in enumerate(found.classes):
        assert (each.precision, each.recall, each.f1, each.images) == pytest.approx(
            (precision[place], recall[place], f1[place], images[place])
        )
        assert each.roc is not None
        assert each.roc.area == pytest.approx(metrics.roc_auc_score(labels == place, scores[:, place]))
    assert found.top_k[3] == pytest.approx(metrics.top_k_accuracy_score(labels, scores, k=3))
    assert found.macro_recall == pytest.approx(metrics.balanced_accuracy_score(labels, answered))


def test_classes_that_were_not_sent_leave_curves_and_deep_top_k_out() -> None:
    scores = _SCORES.copy()
    scores[np.arange(5), scores.argmin(axis=1)] = np.nan  # as a server with K = 2 answers
    found, whole = evaluate(scores, _LABELS, _CLASSES), evaluate(_SCORES, _LABELS, _CLASSES)
    assert found.accuracy == whole.accuracy
    assert found.confusion.tolist() == whole.confusion.tolist()
    assert found.top_k == {1: 2 / 5}
    assert all(each.roc is None and each.precision_recall is None for each in found.classes)


def test_a_class_without_images_has_no_recall_and_no_curve() -> None:
    found = evaluate(_SCORES[:3], [0, 0, 1], _CLASSES)
    assert found.classes[2].recall is None
    assert found.classes[2].roc is None
    assert found.macro_recall == (1 / 2 + 1) / 2


def test_scores_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        evaluate(_SCORES, [0, 1], _CLASSES)
    with pytest.raises(ValueError, match="do not fit"):
        evaluate(np.zeros((0, 3), np.float32), [], _CLASSES)


def test_calibration_error() -> None:
    # Half of those said with 0.9 are right, all said with 0.6: 2/3 * 0.4 + 1/3 * 0.4.
    found = calibrate(np.array([0.9, 0.9, 0.6], np.float32), np.array([True, False, True]), bins=10)
    assert found.error == pytest.approx(0.4, abs=1e-6)
    assert [(each.images, each.accuracy) for each in found.bins] == [(1, 1.0), (2, 0.5)]
    assert calibrate(np.ones(4, np.float32), np.ones(4, bool)).error == 0


def test_latency_is_of_images_alone_and_without_the_first() -> None:
    now = iter([0.0, 0.010, 1.0, 1.030, 2.0, 2.020])
    calls: list[list[str]] = []
    speed = time_answers(
        lambda images: calls.append(list(images)), ["a", "b", "c"], together_s=2, together=50, clock=lambda: next(now)
    )
    assert calls == [["a"], ["a"], ["b"], ["c"]]
    assert speed.p50_ms == pytest.approx(20)
    assert 20 < speed.p99_ms <= 30.000001
    assert speed.images_per_s == 25
