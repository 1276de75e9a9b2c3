"""Small releases: everything about them is real but the network, which is as small as a graph can be."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from triptych_ops.preprocessing import Preprocessing
from triptych_ops.release import (
    REPOSITORY,
    Assembly,
    ExportParity,
    GoldenAnswer,
    GoldenPrediction,
    Manifest,
    Quality,
    Release,
    Store,
    WeightsSource,
    assemble,
    digests,
)

LABELS = ("cat", "dog, hound", "Zürich", "日本", "x" * 200, "fish")
PREPROCESSING = Preprocessing(
    resize=36, crop=32, interpolation="bilinear", mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]
)
_EMBEDDING = 9


def manifest(number: int, folder: Path, *, classes: int = len(LABELS), top1_agreement: float = 1.0) -> Manifest:
    """The manifest of the release `number` whose files lie in `folder`."""
    return Manifest(
        number=number,
        created_at=datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC),
        architecture="efficientnet_lite0",
        precision="fp32",
        classes=classes,
        embedding_size=_EMBEDDING,
        top_k=2,
        weights=WeightsSource(
            file="w.pth",
            sha256="ab",
            definition="ResNet18_Weights.IMAGENET1K_V1",
            package="weights",
            version="1.2",
            licence="Apache-2.0",
        ),
        preprocessing=PREPROCESSING,
        parity=ExportParity(
            images=3,
            logits_max_difference=1e-5,
            logits_tolerance=1e-3,
            embedding_max_difference=1e-5,
            embedding_tolerance=1e-3,
        ),
        calibration=None,
        quality=Quality(
            images=200,
            source="views of 3 bundled photographs",
            top1_agreement=top1_agreement,
            top1_agreement_minimum=1.0,
            ties=0,
            score_max_difference=0.001,
            score_max_tolerance=0.02,
            score_mean_difference=0.0005,
            score_mean_tolerance=0.005,
        ),
        gpu=None,
        golden=[
            GoldenAnswer(
                image="cat.jpg",
                sha256="cd",
                predictions=[GoldenPrediction(class_id=2, label="Zürich", score=0.75)],
            )
        ],
        toolchain={"torch": "2.9"},
        git_commit=None,
        files=digests(folder),
    )


def publish_words(store: Store, number: int, words: str = "model") -> Release:
    """Publish a release of one file with these words; Triton could not serve it."""
    with store.staging() as staged:
        file = staged / REPOSITORY / "model.onnx"
        file.parent.mkdir()
        file.write_text(words, encoding="utf-8")
        return store.publish(staged, manifest(number, staged))


def publish_sound(
    store: Store,
    number: int,
    *,
    labels: tuple[str, ...] = LABELS,
    health_class_id: int = 3,
    top1_agreement: float = 1.0,
) -> Release:
    """Publish a release that passes every check."""
    with store.staging() as staged:
        write_sound(staged, number, labels=labels, health_class_id=health_class_id)
        return store.publish(staged, manifest(number, staged, classes=len(labels), top1_agreement=top1_agreement))


def write_sound(folder: Path, number: int, *, labels: tuple[str, ...] = LABELS, health_class_id: int = 3) -> None:
    """Write the repository of a release that passes every check."""
    graph = folder / "exported.onnx"
    graph.write_bytes(_graph(len(labels)))
    assembly = Assembly(
        number=number,
        graph=graph,
        labels=labels,
        embedding_size=_EMBEDDING,
        top_k=2,
        preprocessing=PREPROCESSING,
        health_class_id=health_class_id,
        health_score=0.12345678,
    )
    assemble(assembly, folder / REPOSITORY)


def _graph(classes: int) -> bytes:
    """PIXELS uint8 (N, crop, crop, 3) -> LOGITS float (N, classes), EMBEDDING float (N, 9)."""
    side = PREPROCESSING.crop
    nodes = [
        helper.make_node("Cast", ["PIXELS"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float", "axes"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "features"], [("EMBEDDING")]),
        helper.make_node("MatMul", ["EMBEDDING", "head"], ["LOGITS"]),
    ]
    weights = [
        numpy_helper.from_array(np.array([1, 2], np.int64), "axes"),
        numpy_helper.from_array(np.ones((3, _EMBEDDING), np.float32), "features"),
        numpy_helper.from_array(np.ones((_EMBEDDING, classes), np.float32), "head"),
    ]
    inputs = [helper.make_tensor_value_info("PIXELS", TensorProto.UINT8, ["N", side, side, 3])]
    outputs = [
        helper.make_tensor_value_info("LOGITS", TensorProto.FLOAT, ["N", classes]),
        helper.make_tensor_value_info("EMBEDDING", TensorProto.FLOAT, ["N", _EMBEDDING]),
    ]
    graph = helper.make_graph(nodes, "classifier", inputs, outputs, initializer=weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content
