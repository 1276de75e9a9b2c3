"""The quality gate: served answers against the fp32 torch reference, image by image. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from triptych import Classification
from triptych_ops.errors import RefusedError
from triptych_ops.release import Precision


@dataclass(frozen=True, slots=True)
class Gate:
    """What a release of one precision must hold."""

    top1_agreement_minimum: float  # share of images
    score_mean_tolerance: float  # absolute probability
    score_max_tolerance: float | None  # None: not bound for a single image
    # Two classes whose reference probabilities are no further apart are one answer: rounding decides between them.
    tie: float = 0.0
    # Share of images that may be beyond `score_max_tolerance`: one grey level in a few pixels moves some networks more.
    outliers: float = 0.0

    def with_minimum(self, top1_agreement: float | None) -> "Gate":
        """The same with the user's own minimum, where there is one."""
        return self if top1_agreement is None else replace(self, top1_agreement_minimum=top1_agreement)

    def for_own_images(self) -> "Gate":
        """The same for images of the user's own, on which the accuracy has to be the same, too.

        Resamplers differ by a grey level in some of a thousand pixels. Photographs and their networks take that; a
        network for pictures that were enlarged tenfold may not: EfficientNet-Lite0 on 8 x 8 digits moves by 0.03 in one
        of 359 images, by 0.011 in the 99th percentile.
        """
        return replace(self, outliers=0.01)


GATES: Mapping[Precision, Gate] = MappingProxyType(
    {
        # Decoders and resampling differ by rounding; nothing else may.
        "fp32": Gate(top1_agreement_minimum=1.0, score_mean_tolerance=0.002, score_max_tolerance=0.02, tie=0.002),
        "fp16": Gate(top1_agreement_minimum=0.99, score_mean_tolerance=0.005, score_max_tolerance=0.05),
        # An image between two classes may fall to either side, so only the mean of the drift is bound.
        "int8": Gate(top1_agreement_minimum=0.98, score_mean_tolerance=0.05, score_max_tolerance=None),
    }
)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An image whose best served class is not the reference's."""

    index: int
    margin: float  # between the two classes, in the reference's probabilities


@dataclass(frozen=True, slots=True)
class Measured:
    """How well served answers agree with the reference, over all images."""

    disagreements: tuple[Disagreement, ...]
    score_differences: tuple[float, ...]  # of each image, the largest over its K served classes, absolute

    def beyond(self, tie: float) -> tuple[Disagreement, ...]:
        """The disagreements that are no ties. A margin that is no number is none."""
        return tuple(item for item in self.disagreements if not item.margin <= tie)

    def top1_agreement(self, tie: float) -> float:
        """Share of images, 0 to 1, ties among them."""
        return 1 - len(self.beyond(tie)) / len(self.score_differences)

    def share_beyond(self, tolerance: float) -> float:
        """Share of images, 0 to 1, that differ by more; a NaN does."""
        return float(np.mean([not difference <= tolerance for difference in self.score_differences]))

    @property
    def score_max_difference(self) -> float:
        """Over all images; NaN where one is."""
        return float(np.max(self.score_differences))

    @property
    def score_mean_difference(self) -> float:
        """Over all images; NaN where one is."""
        return float(np.mean(self.score_differences))


def require_finite(probabilities: NDArray[np.float32], network: str) -> None:
    """Check the reference's `probabilities` (N, C) before anything is compared with them.

    Raises:
        RefusedError: some are no numbers, which nothing could agree with.
    """
    broken = int(np.sum(~np.isfinite(probabilities).all(axis=1)))
    if broken:
        raise RefusedError(
            f"{network} gives NaN for {broken} of {len(probabilities)} images, in torch itself; its weights are broken "
            "or its preprocessing is of another network"
        )


def measure(answers: Sequence[Classification], probabilities: NDArray[np.float32], labels: Sequence[str]) -> Measured:
    """Compare each of N answers with the reference's `probabilities` (N, C) of the same image.

    Raises:
        RefusedError: a class was served under another label than `labels`, (C,), gives it, or there is no answer.
    """
    if not answers:
        raise RefusedError("there is no image to compare served answers with torch's on; name some with --gate DIR")
    for prediction in (prediction for answer in answers for prediction in answer.predictions):
        if prediction.label != labels[prediction.class_id]:
            expected_label = labels[prediction.class_id]
            raise RefusedError(f"class {prediction.class_id} is served as {prediction.label!r}, not {expected_label!r}")
    pairs = list(zip(answers, probabilities, strict=True))
    return Measured(
        disagreements=tuple(
            Disagreement(index, float(expected.max() - expected[answer.top.class_id]))
            for index, (answer, expected) in enumerate(pairs)
            if answer.top.class_id != int(expected.argmax())
        ),
        score_differences=tuple(
            # np.max, not max: a NaN stays one
            float(np.max([abs(item.score - float(expected[item.class_id])) for item in answer.predictions]))
            for answer, expected in pairs
        ),
    )


def require(measured: Measured, gate: Gate, names: Sequence[str]) -> None:
    """Check every bound of `gate`; `names` are the images', for the message.

    Raises:
        RefusedError: one does not hold.
    """
    agreement = measured.top1_agreement(gate.tie)
    if not agreement >= gate.top1_agreement_minimum:
        first = names[measured.beyond(gate.tie)[0].index]
        raise RefusedError(
            f"the served top-1 class agrees with torch on {agreement:.1%} of {len(names)} images, "
            f"at least {gate.top1_agreement_minimum:.1%} is accepted; the first that differs is {first}"
        )
    if not measured.score_mean_difference <= gate.score_mean_tolerance:
        raise RefusedError(
            f"served probabilities differ from torch's by {measured.score_mean_difference:.4f} in the mean of "
            f"{len(names)} images, at most {gate.score_mean_tolerance:g} is accepted"
        )
    if gate.score_max_tolerance is not None and not (measured.share_beyond(gate.score_max_tolerance) <= gate.outliers):
        worst = names[int(np.argmax(measured.score_differences))]
        raise RefusedError(
            f"a served probability differs from torch's by {measured.score_max_difference:.3f}, "
            f"at most {gate.score_max_tolerance:g} is accepted{_but_for(gate.outliers)}; the image is {worst}"
        )


def _but_for(outliers: float) -> str:
    return f" but for {outliers:.0%} of the images" if outliers else ""
