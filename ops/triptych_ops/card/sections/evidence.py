"""What was measured when the release was built, each figure beside the bound that it was held to."""

from collections.abc import Mapping, Sequence

from triptych_ops.card import figures
from triptych_ops.card.blocks import Block, Golden, Label, Paragraph, Prediction, Section, Table
from triptych_ops.release import ExportParity, GoldenAnswer, GpuForm, Manifest, Quality, Training

_COLUMNS = ("Measure", "Measured", "Bound")
_NUMERIC = frozenset({1, 2, 3})
_NO_BOUND = "none"
_COMPARED = "compare the release with its own network in torch"


def measurements(manifest: Manifest) -> Section:
    """Export, served quality, and what is known of the GPU form."""
    return Section(
        "figures",
        "Figures",
        (
            Paragraph(
                "The build refuses to publish a release that exceeds a bound. "
                + (
                    f"Its accuracy comes first; the figures after it {_COMPARED}."
                    if manifest.training
                    else f"All figures {_COMPARED}; none of them is its accuracy on labelled pictures."
                )
                + f" In brackets: {figures.INTERVALS}."
            ),
            *_accuracy(manifest.training),
            _export(manifest.parity),
            _served(manifest.quality),
            Paragraph(("Images of the served answers: ", manifest.quality.source, ".")),
            *_gpu(manifest.gpu, is_trained=manifest.training is not None),
        ),
    )


def _accuracy(training: Training | None) -> Sequence[Block]:
    if training is None:
        return ()
    return (
        Table(
            f"Test images that it was not trained on, {figures.of_images(training.test_images)}",
            ("Measure", "Measured"),
            (
                (
                    "Classified rightly by this release, served",
                    figures.share_of(training.served_accuracy, training.test_images),
                ),
                (
                    "Classified rightly by the network in torch",
                    figures.share_of(training.offline_accuracy, training.test_images),
                ),
            ),
            frozenset({1}),
        ),
        Paragraph(("Images: ", training.dataset, f", {figures.count(training.train_images)} of which it learnt from.")),
    )


def _export(parity: ExportParity) -> Table:
    return Table(
        f"Float graph against torch, {figures.of_images(parity.images)}",
        _COLUMNS,
        (
            (
                "Largest difference of a logit",
                figures.measure(parity.logits_max_difference),
                _at_most(parity.logits_tolerance),
            ),
            (
                "Largest difference in an embedding",
                figures.measure(parity.embedding_max_difference),
                _at_most(parity.embedding_tolerance),
            ),
        ),
        _NUMERIC,
    )


def _served(quality: Quality) -> Table:
    return Table(
        f"Served answers against the fp32 torch reference, {figures.of_images(quality.images)}",
        _COLUMNS,
        (
            (
                "Images with the same top-1 class",
                figures.share_of(quality.top1_agreement, quality.images),
                _at_least(quality.top1_agreement_minimum),
            ),
            ("Ties among these: either of two classes as likely", figures.count(quality.ties), _NO_BOUND),
            (
                "Largest difference of a probability, mean over images",
                figures.measure(quality.score_mean_difference),
                _at_most(quality.score_mean_tolerance),
            ),
            (
                "Largest difference of a probability, any image",
                figures.measure(quality.score_max_difference),
                _at_most(quality.score_max_tolerance, outliers=quality.score_outliers),
            ),
        ),
        _NUMERIC,
    )


def _at_least(minimum: float) -> str:
    return f"at least {figures.share(minimum)}"


def _at_most(tolerance: float | None, *, outliers: float | None = None) -> str:
    if tolerance is None:
        return _NO_BOUND
    return f"at most {figures.bound(tolerance)}" + (f" but for {outliers:.0%} of the images" if outliers else "")


def _gpu(form: GpuForm | None, *, is_trained: bool) -> tuple[Block, ...]:
    if form is None:
        other = ", or since DALI does not scale the run's images as torchvision does" if is_trained else ""
        return (Paragraph(f"GPU form: there is none, since the release was built without DALI{other}."),)
    images = figures.count(form.images)
    agreement_bound = _at_least(form.top1_agreement_minimum)
    rows = [
        (
            "Decoder: mean difference of a pixel to torchvision's, of 255",
            figures.measure(form.pixels_mean_difference),
            _at_most(form.pixels_mean_tolerance),
            images,
        ),
        (
            "Decoder: same top-1 class of the torch network as on torchvision's pixels",
            figures.share_of(form.decoded_top1_agreement, form.images),
            agreement_bound,
            images,
        ),
    ]
    if form.fp16_top1_agreement is not None:
        rows.append(
            (
                "fp16 graph: same top-1 class as the float graph",
                figures.share_of(form.fp16_top1_agreement, form.fp16_images),
                agreement_bound,
                figures.count(form.fp16_images),
            )
        )
    measured = Table("GPU form, run on a CPU", ("Measure", "Measured", "Bound", "Images"), tuple(rows), _NUMERIC)
    return (
        measured,
        Paragraph(
            f"The decoder was serialised by DALI {form.dali}. Not measured: the GPU form on a GPU, neither its speed "
            "nor its answers."
        ),
    )


def golden_answers(answers: Sequence[GoldenAnswer], credit_of: Mapping[str, str]) -> Section:
    """What it answered to known photographs."""
    introduction = "What the release answered to these photographs when it was built; a correct copy answers the same."
    if not answers:
        introduction = "The manifest holds no golden answers."
    return Section(
        "golden", "Golden answers", (Paragraph(introduction), *(_golden(answer, credit_of) for answer in answers))
    )


def _golden(answer: GoldenAnswer, credit_of: Mapping[str, str]) -> Golden:
    return Golden(
        answer.image,
        answer.sha256,
        credit_of.get(answer.sha256),
        tuple(
            Prediction(
                str(prediction.class_id),
                Label(prediction.label),
                figures.score(prediction.score),
                percent=f"{min(max(prediction.score, 0), 1) * 100:.1f}",
            )
            for prediction in answer.predictions
        ),
    )
