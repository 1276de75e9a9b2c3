"""Manifest -> card: which sections, in the order that readers of model cards expect."""

from collections.abc import Mapping, Sequence

from loadtests.sample_statistics import interval_words
from triptych_ops.card import figures
from triptych_ops.card.blocks import Card, Section, Text
from triptych_ops.release import Manifest, Training

from .evidence import golden_answers, measurements
from .limits import limits
from .provenance import files, labelling, toolchain, verification
from .subject import intended_use, precision, preprocessing, weights


def compose(manifest: Manifest, *, credit_of: Mapping[str, str], labels: Sequence[str]) -> Card:
    """The card of a release.

    `credit_of` says who made a photograph, by its SHA-256; `labels` are the release's, (C,), or empty where
    nobody read them.
    """
    sections: tuple[Section, ...] = (
        intended_use(manifest),
        weights(manifest),
        preprocessing(manifest.preprocessing),
        precision(manifest),
        measurements(manifest),
        golden_answers(manifest.golden, credit_of),
        labelling(manifest, labels),
        toolchain(manifest),
        files(manifest),
        verification(manifest),
        limits(manifest),
    )
    return Card(
        title=f"{manifest.architecture}, release {manifest.number}",
        summary=_summary(manifest),
        highlights=_highlights(manifest),
        sections=sections,
    )


def _summary(manifest: Manifest) -> Text:
    return (
        f"An image classifier for NVIDIA Triton: {manifest.architecture} of {figures.count(manifest.classes)} classes, "
        f"{manifest.precision}, built by Triptych on {figures.moment(manifest.created_at)}."
    )


def _highlights(manifest: Manifest) -> tuple[tuple[str, Text], ...]:
    quality = manifest.quality
    return (
        ("Classes", figures.count(manifest.classes)),
        ("Precision", manifest.precision),
        *_accuracy(manifest.training),
        (_of("Same top-1 as torch", quality.top1_agreement, quality.images), figures.share(quality.top1_agreement)),
        ("All files", figures.megabytes(manifest.size_bytes)),
        ("Licence of the weights", manifest.weights.licence or "not stated"),
    )


def _accuracy(training: Training | None) -> tuple[tuple[str, Text], ...]:
    if training is None:
        return ()
    accuracy = training.served_accuracy
    return ((_of("Accuracy, served", accuracy, training.test_images), figures.share(accuracy)),)


def _of(what: str, share: float, images: int) -> str:
    return f"{what}, {figures.of_images(images)}; {interval_words(share, images)}"
