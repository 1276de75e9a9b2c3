"""Small releases: a graph of a few bytes is enough, since nothing here runs it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from triptych_ops.preprocessing import Preprocessing
from triptych_ops.release import (
    Assembly,
    ExportParity,
    GoldenAnswer,
    GoldenPrediction,
    Manifest,
    Quality,
    Release,
    Store,
    WeightsSource,
    digests,
)


@pytest.fixture
def preprocessing() -> Preprocessing:
    return Preprocessing(
        resize=36, crop=32, interpolation="bilinear", mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]
    )


@pytest.fixture
def assembly(tmp_path: Path, preprocessing: Preprocessing) -> Assembly:
    graph = tmp_path / "exported.onnx"
    graph.write_bytes(b"graph")
    return Assembly(
        number=7,
        graph=graph,
        labels=("cat", "dog, hound", "Zürich", "日本", "x" * 200, "fish"),
        embedding_size=9,
        top_k=2,
        preprocessing=preprocessing,
        health_class_id=3,
        health_score=0.12345678,
    )


@pytest.fixture
def manifest_of(preprocessing: Preprocessing) -> Callable[[int, Path], Manifest]:
    """The manifest of the release `number` whose files lie in `folder`."""

    def manifest(number: int, folder: Path) -> Manifest:
        return Manifest(
            number=number,
            created_at=datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC),
            architecture="efficientnet_lite0",
            precision="fp32",
            classes=6,
            embedding_size=9,
            top_k=2,
            weights=WeightsSource(
                file="w.pth",
                sha256="ab",
                definition="ResNet18_Weights.IMAGENET1K_V1",
                package="weights",
                version="1.2",
                licence="Apache-2.0",
            ),
            preprocessing=preprocessing,
            parity=ExportParity(images=3, logits_max_difference=1e-5, embedding_max_difference=1e-5, tolerance=1e-3),
            calibration=None,
            quality=Quality(
                images=200,
                source="views of 3 bundled photographs",
                top1_agreement=1.0,
                top1_agreement_minimum=1.0,
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

    return manifest


@pytest.fixture
def publish(manifest_of: Callable[[int, Path], Manifest]) -> Callable[[Store, int, str], Release]:
    """Publish a release of one file with these words."""

    def published(store: Store, number: int, words: str = "model") -> Release:
        with store.staging() as staged:
            file = staged / "repository" / "model.onnx"
            file.parent.mkdir()
            file.write_text(words, encoding="utf-8")
            return store.publish(staged, manifest_of(number, staged))

    return published
