"""What a build measured, as the manifest's records."""

from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from triptych import Classification
from triptych_ops import release

from .image_sets import ImageSet
from .quality import Gate, Measured

if TYPE_CHECKING:  # evaluated, these names of `export` would import torch
    from triptych_ops import export

_TOOLCHAIN = ("triptych", "torch", "torchvision", "timm", "onnx", "onnxscript", "onnxruntime", "numpy", "pillow")


def toolchain() -> dict[str, str]:
    """Package -> version of all that the bytes of a release depend on."""
    return {package: metadata.version(package) for package in _TOOLCHAIN}


def weights_source(weights: "export.Weights") -> release.WeightsSource:
    """Which file, and whose."""
    file = weights.file
    return release.WeightsSource(
        file=file.path.name,
        sha256=release.digest(file.path).sha256,
        key=weights.key,
        definition=weights.definition,
        package=file.package,
        version=file.version,
        licence=file.licence,
    )


def export_parity(graph: "export.ExportedGraph") -> release.ExportParity:
    """The float graph against torch."""
    parity = graph.parity
    return release.ExportParity(
        images=parity.images,
        logits_max_difference=parity.logits_max_difference,
        logits_tolerance=parity.logits_tolerance,
        embedding_max_difference=parity.embedding_max_difference,
        embedding_tolerance=parity.embedding_tolerance,
    )


def calibration(lowered: "export.LoweredGraph", images: ImageSet) -> release.Calibration:
    """How a graph of lower precision was made."""
    return release.Calibration(
        images=lowered.calibration_images,
        source=images.source,
        method=lowered.method,
        float_layers=list(lowered.float_layers),
    )


def quality(measured: Measured, gate: Gate, images: ImageSet) -> release.Quality:
    """Served answers against torch, beside the bounds."""
    return release.Quality(
        images=len(images.paths),
        source=images.source,
        top1_agreement=measured.top1_agreement(gate.tie),
        top1_agreement_minimum=gate.top1_agreement_minimum,
        ties=len(measured.disagreements) - len(measured.beyond(gate.tie)),
        score_max_difference=measured.score_max_difference,
        score_max_tolerance=gate.score_max_tolerance,
        score_outliers=(gate.outliers or None) if gate.score_max_tolerance is not None else None,
        score_mean_difference=measured.score_mean_difference,
        score_mean_tolerance=gate.score_mean_tolerance,
    )


def golden(paths: Sequence[Path], answers: Sequence[Classification]) -> list[release.GoldenAnswer]:
    """The served answer to each photograph."""
    return [
        release.GoldenAnswer(
            image=path.name,
            sha256=release.digest(path).sha256,
            predictions=[
                release.GoldenPrediction(class_id=item.class_id, label=item.label, score=item.score)
                for item in answer.predictions
            ],
        )
        for path, answer in zip(paths, answers, strict=True)
    ]
