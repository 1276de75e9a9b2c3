"""What our own releases are made of is sound."""

from pathlib import Path

import onnx
import pytest

from triptych_ops.lint import lint
from triptych_ops.preprocessing import Preprocessing
from triptych_ops.release import Assembly, assemble

from .repositories import graph

LABELS = ("cat", "dog, hound", "Zürich", "日本", "x" * 200, "fish")


@pytest.fixture
def released(tmp_path: Path) -> Path:
    (tmp_path / "exported.onnx").write_bytes(graph(side=32, classes=len(LABELS), embedding=9))
    assembly = Assembly(
        number=7,
        graph=tmp_path / "exported.onnx",
        labels=LABELS,
        embedding_size=9,
        top_k=2,
        preprocessing=Preprocessing(
            resize=36, crop=32, interpolation="bilinear", mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]
        ),
        health_class_id=3,
        health_score=0.12345678,
    )
    assemble(assembly, tmp_path / "repository")
    return tmp_path / "repository"


def test_an_assembled_release_has_no_finding(released: Path) -> None:
    assert lint(released) == ()


def test_a_release_with_the_graph_of_another_is_told(released: Path) -> None:
    model = onnx.ModelProto.FromString(graph(side=32, classes=5, embedding=9))
    (released / "classifier" / "7" / "model.onnx").write_bytes(model.SerializeToString())
    assert {finding.code for finding in lint(released)} == {"E407"}


def test_a_release_with_a_label_too_few_is_told(released: Path) -> None:
    labels = released / "postprocess" / "7" / "labels.txt"
    labels.write_text("".join(f"{label}\n" for label in LABELS[1:]), encoding="utf-8")
    assert [finding.code for finding in lint(released)] == ["E502"]
