"""Tables of features."""

import csv
from pathlib import Path

import numpy as np
import pytest

from triptych_ops import training
from triptych_ops.errors import UsageError
from triptych_ops.training import Run
from triptych_ops.training.features import DESCRIPTORS, FeatureTable, tabulate, write_table
from triptych_ops.training.model import embeddings


def test_both_forms_hold_the_same(tmp_path: Path) -> None:
    table = FeatureTable(("a,b.png", "日本.png"), ("x", 'y"'), ("lbp_0", "lbp_1"), np.array([[0.1, 1 / 3], [2, 1e-30]]))
    write_table(table, tmp_path / "t.csv")
    write_table(table, tmp_path / "t.npz")
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    assert head == ["image", "label", "lbp_0", "lbp_1"]
    assert [row[:2] for row in rows] == [["a,b.png", "x"], ["日本.png", 'y"']]
    assert [[float(cell) for cell in row[2:]] for row in rows] == table.vectors.tolist()
    with np.load(tmp_path / "t.npz", allow_pickle=False) as arrays:
        assert arrays["image"].tolist() == list(table.names)
        np.testing.assert_array_equal(arrays["vector"], table.vectors)


def test_another_form_is_refused_and_nothing_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"neither \.csv nor \.npz"):
        write_table(FeatureTable((), (), (), np.zeros((0, 0))), tmp_path / "t.xlsx")
    assert not list(tmp_path.iterdir())


def test_a_runs_images_by_descriptors_and_by_its_network(run: Run) -> None:
    part = run.part("validation")
    model = training.load_model(run)
    deep = embeddings(model, part)
    table = tabulate(part, ["lbp", "hu-moments"], run=run)
    assert table.columns[:2] == ("lbp_0", "lbp_1")
    assert table.columns[10] == "hu-moments_0"
    assert table.columns[17] == "deep_0"
    assert table.vectors.shape == (24, 17 + deep.shape[1])
    np.testing.assert_allclose(table.vectors[:, 17:], deep)
    assert table.labels == tuple(part.classes[sample.label] for sample in part.samples)


def test_the_commands_offer_every_descriptor() -> None:
    from triptych_ops.cli.evaluate import command
    from triptych_ops.cli.features import features

    offered = next(option for option in features.params if option.name == "names").type
    beside = next(option for option in command.evaluate.params if option.name == "descriptors").type
    assert [*sorted(DESCRIPTORS), "lbp-top"] == sorted(offered.choices)  # type: ignore[attr-defined]
    assert sorted((*DESCRIPTORS, "none")) == sorted(beside.choices)  # type: ignore[attr-defined]
