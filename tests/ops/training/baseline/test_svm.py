"""The baseline on real digits."""

from pathlib import Path

import numpy as np

from triptych_ops.training import Run, open_dataset
from triptych_ops.training.baseline import fit


def test_hog_and_a_machine_tell_digits_apart(run: Run) -> None:
    test = run.part("test")
    scores = fit(run.part("train"), ["hog"]).scores(test)
    assert scores.shape == (24, 4)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)
    assert np.mean(scores.argmax(axis=1) == [sample.label for sample in test.samples]) >= 0.95


def test_two_classes_have_two_scores(digits: Path) -> None:
    dataset = open_dataset(digits)
    two = dataset.subset([sample.name for sample in dataset.samples if sample.label < 2])
    scores = fit(two, ["hog"]).scores(two)
    assert scores.shape == (60, 4)
    assert np.mean(scores.argmax(axis=1) == [sample.label for sample in two.samples]) == 1
    assert not scores[:, 2:].any()
