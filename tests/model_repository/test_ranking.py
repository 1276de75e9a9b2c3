import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from python_backend import Metrics

Logits = NDArray[np.float32]


def logits_of(*rows: list[float]) -> Logits:
    return np.array(rows, dtype=np.float32)


def random_logits(count: int, classes: int) -> Logits:
    return np.random.default_rng(count * classes).normal(0, 4, (count, classes)).astype(np.float32)


def softmax(row: Logits) -> NDArray[np.float64]:
    exponentials = np.exp(row.astype(np.float64) - float(row.max()))
    probabilities: NDArray[np.float64] = exponentials / exponentials.sum()
    return probabilities


@pytest.mark.parametrize(("count", "classes", "k"), [(1, 1000, 5), (32, 1000, 5), (3, 10, 1), (3, 10, 10), (2, 1, 1)])
def test_the_best_classes_come_first_with_their_softmax(ranking: ModuleType, count: int, classes: int, k: int) -> None:
    logits = random_logits(count, classes)
    class_ids, scores = ranking.rank(logits, k)
    assert (class_ids.shape, class_ids.dtype) == ((count, k), np.int32)
    assert (scores.shape, scores.dtype) == ((count, k), np.float32)
    for row, found, found_scores in zip(logits, class_ids, scores, strict=True):
        expected = sorted(range(classes), key=lambda class_id: (-float(row[class_id]), class_id))[:k]
        assert found.tolist() == expected
        np.testing.assert_allclose(found_scores, softmax(row)[expected], rtol=1e-5)


def test_all_classes_together_have_probability_one(ranking: ModuleType) -> None:
    _, scores = ranking.rank(random_logits(4, 1000), 1000)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)


def test_among_equal_logits_the_lower_class_id_comes_first(ranking: ModuleType) -> None:
    class_ids, scores = ranking.rank(logits_of([1, 3, 3, 1, 3], [0, 0, 0, 0, 0], [-0.0, 0.0, -0.0, 0.0, 0.0]), 4)
    assert class_ids.tolist() == [[1, 2, 4, 0], [0, 1, 2, 3], [0, 1, 2, 3]]
    assert scores[1].tolist() == pytest.approx([0.2] * 4)


def test_many_ties_keep_the_order_of_the_class_ids(ranking: ModuleType) -> None:
    logits = np.random.default_rng(0).integers(0, 3, (4, 1000)).astype(np.float32)
    class_ids, _ = ranking.rank(logits, 1000)
    for row, found in zip(logits, class_ids, strict=True):
        assert found.tolist() == np.lexsort((np.arange(1000), -row)).tolist()


@pytest.mark.parametrize(
    ("row", "scores"),
    [
        ([1e30, 0, -1e30], [1, 0, 0]),
        ([3e38, 3e38, 0], [0.5, 0.5, 0]),
        ([3e38, -3e38, -3.1e38], [1, 0, 0]),
        ([-3e38, -3e38, -3e38], [1 / 3] * 3),
        ([1000, 999, 0], [0.7310586, 0.2689414, 0]),
        ([-1000, -1001, -2000], [0.7310586, 0.2689414, 0]),
    ],
)
def test_huge_logits_do_not_overflow(ranking: ModuleType, row: list[float], scores: list[float]) -> None:
    class_ids, found = ranking.rank(logits_of(row), 3)
    assert class_ids.tolist() == [[0, 1, 2]]
    assert found[0].tolist() == pytest.approx(scores)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("places", [[0], [3], [1, 2], [0, 1, 2, 3]], ids=str)
def test_a_row_that_is_not_finite_has_nan_scores_and_leaves_the_others_alone(
    ranking: ModuleType, value: float, places: list[int]
) -> None:
    logits = random_logits(3, 4)
    alone_ids, alone_scores = ranking.rank(logits, 2)
    damaged = logits.copy()
    damaged[1, places] = value
    class_ids, scores = ranking.rank(damaged, 2)
    assert np.isnan(scores[1]).all()
    assert ((class_ids[1] >= 0) & (class_ids[1] < 4)).all()
    assert (class_ids[[0, 2]] == alone_ids[[0, 2]]).all()
    assert (scores[[0, 2]] == alone_scores[[0, 2]]).all()


def test_the_logits_are_left_as_they_were(ranking: ModuleType) -> None:
    logits = logits_of([1, np.nan, 2], [3, 2, 1])
    before = logits.copy()
    ranking.rank(logits, 2)
    np.testing.assert_array_equal(logits, before)


@pytest.mark.parametrize(
    ("content", "labels"),
    [
        ("cat\ndog\n", ["cat", "dog"]),
        ("cat\ndog", ["cat", "dog"]),
        ("c\x85t\nd\u2028g\n", ["c\x85t", "d\u2028g"]),
        ("cat\x0c\nd\x1cg\r\n", ["cat\x0c", "d\x1cg\r"]),
        ("Zürich\n日本\n", ["Zürich", "日本"]),
    ],
)
def test_a_label_ends_at_a_line_feed_and_nowhere_else(
    ranking: ModuleType,
    checkout: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: str,
    labels: list[str],
) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "labels.txt").write_bytes(content.encode())
    assert ranking.read_labels(tmp_path / "7" / "labels.txt") == labels
    model = _model(checkout, monkeypatch)
    model.initialize(_arguments(tmp_path, classes=2))
    model.finalize()
    with pytest.raises(ValueError, match="has 2 labels for 3 classes"):
        model.initialize(_arguments(tmp_path, classes=3))


def _model(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Triton's model, outside of Triton."""
    triton = ModuleType("triton_python_backend_utils")
    triton.__dict__.update(TritonModelException=ValueError, MetricFamily=Metrics().family)
    package = ModuleType("postprocess_source")
    package.__path__ = [str(checkout / "model_repository" / "postprocess" / "source")]
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", triton)
    monkeypatch.setitem(sys.modules, package.__name__, package)
    for name in ("answers", "counters", "ranking", "model"):
        monkeypatch.delitem(sys.modules, f"{package.__name__}.{name}", raising=False)
    return importlib.import_module(f"{package.__name__}.model").TritonPythonModel()


def _arguments(folder: Path, *, classes: int) -> dict[str, str]:
    config = {"input": [{"name": "LOGITS", "dims": [classes]}], "output": [{"name": "CLASS_ID", "dims": [1]}]}
    return {"model_repository": str(folder), "model_version": "7", "model_config": json.dumps(config)}
