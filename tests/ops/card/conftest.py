"""Manifests of every kind of release that a card is made of; no two figures are alike."""

from datetime import UTC, datetime

import pytest

from triptych_ops.photographs import PHOTOGRAPHS
from triptych_ops.preprocessing import ImageLimits, Preprocessing
from triptych_ops.release import (
    Calibration,
    ExportParity,
    FileDigest,
    GoldenAnswer,
    GoldenPrediction,
    GpuForm,
    Manifest,
    Quality,
    Training,
    WeightsSource,
    digest,
)

HOSTILE = (
    "<script>alert(1)</script>",
    "a|b \\| c",
    "`code` ``more``",
    "![x](https://evil.example/x.png) [y](javascript:alert(1))",
    "https://evil.example www.evil.example",
    "<img src=x onerror=alert(1)> &lt;b&gt;",
    "\u202egnp.exe\u202c \u2028 \x1b[31m \ud800 \x00",
    "**bold** _it_ ~~gone~~ # $x$",
    '"><b style="x">',
    "\N{HEBREW LETTER SHIN}\N{HEBREW LETTER LAMED} 日本 \N{FAMILY}\u200d",
)


@pytest.fixture
def hostile_texts() -> tuple[str, ...]:
    return HOSTILE


@pytest.fixture
def fp32() -> Manifest:
    return Manifest(
        number=47,
        created_at=datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC),
        architecture="resnet18",
        precision="fp32",
        classes=1013,
        embedding_size=517,
        top_k=2,
        weights=WeightsSource(
            file="resnet18-f37072fd.pth",
            sha256="ab" * 32,
            definition="ResNet18_Weights.IMAGENET1K_V1",
            package="resnet-weights",
            version="1.2.3",
            licence="BSD-3-Clause",
        ),
        preprocessing=Preprocessing(
            resize=257,
            crop=223,
            interpolation="bilinear",
            mean=[0.485, 0.456, 0.406],
            std=[0.229, 0.224, 0.225],
            limits=ImageLimits(formats=["JPEG", "PNG"], max_bytes=7_340_032, max_pixels=48_000_000),
        ),
        parity=ExportParity(
            images=19,
            logits_max_difference=1.234e-5,
            logits_tolerance=0.000321,
            embedding_max_difference=5.678e-6,
            embedding_tolerance=0.000654,
        ),
        calibration=None,
        quality=Quality(
            images=331,
            source="views of bundled photographs",
            top1_agreement=0.99094,
            top1_agreement_minimum=0.97,
            ties=6,
            score_max_difference=0.01357,
            score_max_tolerance=0.0246,
            score_mean_difference=0.002468,
            score_mean_tolerance=0.0089,
        ),
        gpu=None,
        golden=[
            GoldenAnswer(
                image=photograph.name,
                sha256=digest(photograph.path).sha256,
                predictions=[
                    GoldenPrediction(class_id=700 + index, label="espresso", score=0.71 + index / 1000),
                    GoldenPrediction(class_id=800 + index, label="dog, hound", score=0.11 + index / 1000),
                ],
            )
            for index, photograph in enumerate(PHOTOGRAPHS)
        ],
        toolchain={"triptych": "0.9.1", "torch": "2.15.7"},
        git_commit="67318f5f3b74b66f0ad5ada5c56624f8559e06ec",
        files={
            "repository/classifier/47/model.onnx": FileDigest(sha256="01" * 32, size=46_830_571),
            "repository/postprocess/47/labels.txt": FileDigest(sha256="02" * 32, size=10_488),
        },
    )


@pytest.fixture
def int8(fp32: Manifest) -> Manifest:
    """Lowered, with a GPU form, from a checkout with changes."""
    return fp32.model_copy(
        update={
            "precision": "int8",
            "calibration": Calibration(
                images=211, source="other views", method="percentile 99.99", float_layers=["/conv1/Conv", "/fc/Gemm"]
            ),
            "quality": fp32.quality.model_copy(update={"score_max_tolerance": None, "score_max_difference": 0.3579}),
            "gpu": GpuForm(
                dali="2.4.0",
                images=29,
                pixels_mean_difference=0.00432,
                top1_agreement_minimum=0.915,
                pixels_mean_tolerance=0.0512,
                decoded_top1_agreement=0.96552,
                fp16_images=37,
                fp16_top1_agreement=0.97297,
            ),
            "git_commit": f"{fp32.git_commit}-dirty",
        }
    )


@pytest.fixture
def trained(fp32: Manifest) -> Manifest:
    """From a run of few images, without a form for GPUs."""
    training = Training(
        dataset="flowers",
        split_sha256="ef" * 32,
        train_images=54,
        test_images=18,
        epochs=9,
        best_epoch=7,
        strategy="gradual",
        pretrained="lite0.pth",
        offline_accuracy=17 / 18,
        served_accuracy=1.0,
    )
    weights = WeightsSource(file="best.safetensors", sha256="cd" * 32, definition="the run's own")
    return fp32.model_copy(update={"training": training, "weights": weights})


@pytest.fixture
def bare(fp32: Manifest) -> Manifest:
    """As little as a manifest may hold."""
    weights = WeightsSource(file="w.pt", sha256="cd" * 32, definition="preprocessing.json")
    return fp32.model_copy(
        update={"weights": weights, "golden": [], "toolchain": {}, "git_commit": None, "files": {}, "precision": "int8"}
    )


@pytest.fixture
def hostile(int8: Manifest) -> Manifest:
    """Every text that somebody else chooses is an attack."""
    text = " ".join(HOSTILE)
    golden = GoldenAnswer(
        image=text,
        sha256=text,
        predictions=[GoldenPrediction(class_id=index, label=label, score=2.5) for index, label in enumerate(HOSTILE)],
    )
    limits = int8.preprocessing.limits.model_copy(update={"formats": list(HOSTILE)})
    return int8.model_copy(
        update={
            "architecture": text,
            "weights": WeightsSource(file=text, sha256=text, definition=text, package=text, version=text, licence=text),
            "preprocessing": int8.preprocessing.model_copy(update={"limits": limits}),
            "calibration": Calibration(images=1, source=text, method=text, float_layers=list(HOSTILE)),
            "quality": int8.quality.model_copy(update={"source": text}),
            "gpu": GpuForm(
                dali=text,
                images=1,
                pixels_mean_difference=0,
                top1_agreement_minimum=0.915,
                pixels_mean_tolerance=1,
                decoded_top1_agreement=1,
                fp16_images=1,
                fp16_top1_agreement=1,
            ),
            "golden": [golden],
            "toolchain": {text: text},
            "git_commit": text,
            "files": {text: FileDigest(sha256="03" * 32, size=3)},
        }
    )


@pytest.fixture(params=["fp32", "int8", "bare", "hostile", "trained"])
def any_manifest(request: pytest.FixtureRequest) -> Manifest:
    found: Manifest = request.getfixturevalue(request.param)
    return found
