"""The GPU form of a release that is being built, as far as it can be made and measured without a GPU."""

from dataclasses import dataclass
from pathlib import Path

from triptych.image_formats import JPEG
from triptych_ops import export, release
from triptych_ops.errors import RefusedError

PIXELS_MEAN_TOLERANCE = 0.05
"""Of 255, from DALI's graph to torchvision: ten times what it is for photographs."""

TOP1_AGREEMENT_MINIMUM = 0.95
"""Of 40 views two may lie between classes."""


@dataclass(frozen=True, slots=True)
class GpuForm:
    """What goes into the release, and what goes into its manifest."""

    parts: release.GpuParts
    measured: release.GpuForm


def prepare(
    scratch: Path,
    weights: "export.Weights",  # quoted here and below: evaluated, they would import torch
    reference: "export.Reference",
    *,
    served: Path,
    float_graph: Path | None,
    images: list[Path],
) -> GpuForm:
    """Serialise the decoder, lower the graph to fp16, measure both on `images`, on the CPU.

    TensorRT 11 runs a graph in the graph's own types, so fp16 is in the graph, not in a setting.

    served:      the release's own graph
    float_graph: the network in fp32; None where the release's own graph is fp16 and the GPU runs that

    Raises:
        RefusedError: the decoder's pixels are not torchvision's, or the answers are others.
    """
    decoders = export.serialise_dali(weights.preprocessing, scratch)
    jpegs = [path for path in images if path.suffix.lower() in JPEG.suffixes]  # all that DALI is given
    decoded = export.measure_dali(decoders[0], jpegs, weights)
    if not decoded.pixels_mean_difference <= PIXELS_MEAN_TOLERANCE:
        raise RefusedError(
            f"DALI's pixels differ from torchvision's by {decoded.pixels_mean_difference:.3f} of 255 in the mean, "
            f"at most {PIXELS_MEAN_TOLERANCE:g} is accepted"
        )
    own_graph = None
    if float_graph:
        pixels = reference.stack(images)
        own_graph = export.lower_precision(float_graph, scratch / "gpu.onnx", precision="fp16", calibration=pixels)
    _require_agreement("torch on DALI's pixels", decoded.top1_agreement)
    if own_graph:
        _require_agreement("the GPU's fp16 graph", own_graph.top1_agreement)
    return GpuForm(
        parts=release.GpuParts.of(decoders=decoders, served=served, own_graph=own_graph.path if own_graph else None),
        measured=release.GpuForm(
            dali=decoded.dali,
            images=decoded.images,
            pixels_mean_difference=decoded.pixels_mean_difference,
            pixels_mean_tolerance=PIXELS_MEAN_TOLERANCE,
            top1_agreement_minimum=TOP1_AGREEMENT_MINIMUM,
            decoded_top1_agreement=decoded.top1_agreement,
            fp16_images=own_graph.images if own_graph else 0,
            fp16_top1_agreement=own_graph.top1_agreement if own_graph else None,
        ),
    )


def _require_agreement(what: str, agreement: float) -> None:
    if not agreement >= TOP1_AGREEMENT_MINIMUM:
        raise RefusedError(
            f"the top-1 class of {what} agrees with torch on {agreement:.1%} of images, "
            f"at least {TOP1_AGREEMENT_MINIMUM:.0%} is accepted"
        )
