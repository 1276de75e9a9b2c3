"""What the caller of a build decides."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from triptych_ops.preprocessing import Interpolation, Resize
from triptych_ops.release import Precision

TOP_K: Final = 5
"""Classes in an answer, as ImageNet's own second measure has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What to build. None: as the weights, or the gate of the precision, have it."""

    architecture: str | None = None  # None: of the run, of config.json beside the weights, else the packaged one
    run: Path | None = None  # folder of a training: weights, labels, preprocessing and all images are its own
    weights: Path | None = None  # None: of the architecture's own package
    weights_key: str | None = None  # which of several sets of weights in the file
    labels: Path | None = None
    definition: str | None = None  # of the preprocessing
    image_size: int | None = None  # these four change it, as `Preprocessing.adjusted` has them
    resize: Resize | None = None
    crop_pct: float | None = None
    interpolation: Interpolation | None = None
    licence: str | None = None  # of the weights
    precision: Precision = "fp32"
    top_k: int | None = None  # None: `TOP_K`, or all where there are fewer
    gate_images: Path | None = None  # folders; None: a run's own images, else views of bundled photographs
    calibration_images: Path | None = None
    top1_agreement_minimum: float | None = None
