"""Findings -> the page; the only place with words."""

import numpy as np

from loadtests.sample_statistics import interval_text, interval_words
from triptych_ops.card import figures
from triptych_ops.card.blocks import Bullets, Code, Label, Paragraph, Table

from . import plots
from .blocks import Confusion, Confusions, Page, Plot, Section
from .findings import Findings, Model
from .pictures import thumbnail

_MOST_CURVES = 10
_MOST_CONFUSED = 24
_MOST_CLASSES = 100


def compose(findings: Findings) -> Page:
    """The page about an evaluation.

    Raises:
        OSError: an image that was confused cannot be read any more.
        RefusedError: or decoded.
    """
    sections = [_models(findings), _confusion(findings), _classes(findings), _curves(findings), _calibration(findings)]
    if findings.served:
        sections.insert(0, _served(findings))
    subject, images = findings.subject, figures.of_images(len(findings.dataset))
    best = subject.evaluation
    accuracy = f"accuracy; {interval_words(best.accuracy, best.images)}"
    return Page(
        title=f"Evaluation of {findings.run}",
        summary=f"{subject.name} on {images} of the {findings.part} part, in {len(findings.dataset.classes)} classes.",
        highlights=(
            (accuracy, figures.share(best.accuracy)),
            ("mean F1 of the classes", f"{best.macro_f1:.4f}"),
            ("calibration error", f"{best.calibration.error:.4f}"),
            ("images confused", str(best.images - round(best.accuracy * best.images))),
        ),
        sections=tuple(section for section in sections if section),
    )


def _served(findings: Findings) -> Section:
    served = findings.served
    assert served  # noqa: S101  asked before
    found = served.agreement
    ties = f" ({figures.of_images(found.ties)} between two classes)" if found.ties else ""
    text = (
        f"Release {served.release}, through the server, has the run's own best class on "
        f"{figures.share(found.share)} of the images{ties} ({interval_words(found.share, len(findings.dataset))}); "
        f"a score differs by {figures.measure(found.score_max_difference)} at most, by "
        f"{figures.measure(found.score_mean_difference)} in the mean."
    )
    if not found.differing:
        return Section("served", "Served", (Paragraph(text),))
    shown = found.differing[:_MOST_CONFUSED]
    introduction = f"{_some(len(shown), len(found.differing))} with another best class:"
    return Section("served", "Served", (Paragraph(text), Paragraph(introduction), Bullets(tuple(map(Code, shown)))))


def _some(shown: int, images: int) -> str:
    """Say how many of a list are shown: "The first 24 of 37 images", or "5 images" where it is all of them."""
    return figures.of_images(images) if shown == images else f"The first {shown:,} of {figures.of_images(images)}"


def _models(findings: Findings) -> Section:
    rows = tuple((model.name, *_row(model)) for model in findings.models)
    columns = ("model", "accuracy", "top 3", "mean F1", "calibration error", "p50 ms", "p99 ms", "images/s")
    note = (
        f"In brackets: {figures.INTERVALS}. Milliseconds are of one image at a time, images a second of all together, "
        "on the machine that evaluated."
    )
    table = Table("All on the same images", columns, rows, frozenset(range(1, len(columns))))
    return Section("models", "Side by side", (table, Paragraph(note)))


def _row(model: Model) -> tuple[str, ...]:
    found, speed = model.evaluation, model.speed
    return (
        figures.share_of(found.accuracy, found.images),
        figures.share_of(found.top_k[3], found.images) if 3 in found.top_k else "-",
        f"{found.macro_f1:.4f}",
        f"{found.calibration.error:.4f}" if model.probabilities else "-",
        *((f"{speed.p50_ms:.1f}", f"{speed.p99_ms:.1f}", f"{speed.images_per_s:.0f}") if speed else ("-",) * 3),
    )


def _confusion(findings: Findings) -> Section:
    matrix = Plot(
        "Images by true class (rows) and answered class (columns); the shade is the share of the true class.",
        plots.confusion_matrix(findings.subject.evaluation),
    )
    confused, count = _confused(findings)
    if not confused.items:
        return Section("confusions", "Confusions", (matrix, Paragraph("No image was confused.")))
    text = (
        f"{_some(len(confused.items), count)} that were taken for another class, the surest error first: look "
        "whether the label is the error."
    )
    return Section("confusions", "Confusions", (matrix, Paragraph(text), confused))


def _confused(findings: Findings) -> tuple[Confusions, int]:
    """Return the surest errors, and how many errors there are."""
    scores, dataset = findings.subject.scores, findings.dataset
    answered = np.nanargmax(scores, axis=1)
    best = np.nanmax(scores, axis=1)
    wrong = [place for place, sample in enumerate(dataset.samples) if answered[place] != sample.label]
    wrong.sort(key=lambda place: -best[place])
    items = tuple(
        Confusion(
            image=sample.name,
            picture=thumbnail(sample.read(), name=sample.name),
            true=Label(dataset.classes[sample.label]),
            answered=Label(dataset.classes[answered[place]]),
            score=figures.score(float(best[place])),
        )
        for place in wrong[:_MOST_CONFUSED]
        for sample in [dataset.samples[place]]
    )
    return Confusions(items), len(wrong)


def _classes(findings: Findings) -> Section:
    ordered = sorted(findings.subject.evaluation.classes, key=lambda each: each.f1)
    rows = tuple(
        (
            Label(each.label),
            figures.count(each.images),
            _optional(each.precision),
            _optional(each.recall),
            interval_text(each.recall, each.images) if each.recall is not None else "-",
            f"{each.f1:.4f}",
            _optional(each.precision_recall.area if each.precision_recall else None),
        )
        for each in ordered[:_MOST_CLASSES]
    )
    columns = ("class", "images", "precision", "recall", f"recall, {figures.INTERVALS}", "F1", "average precision")
    caption = "The worst first" if len(ordered) <= _MOST_CLASSES else f"The worst {_MOST_CLASSES} of {len(ordered)}"
    return Section("classes", "Each class", (Table(caption, columns, rows, frozenset(range(1, len(columns)))),))


def _curves(findings: Findings) -> Section | None:
    classes = findings.subject.evaluation.classes
    worst = sorted(classes, key=lambda each: each.f1)[:_MOST_CURVES]
    shown = f"the {len(worst)} of {len(classes)} classes with the least F1"
    of_worst = "all classes" if len(worst) == len(classes) else shown
    precision = [(each.label, each.precision_recall) for each in worst if each.precision_recall]
    rates = [(each.label, each.roc) for each in worst if each.roc]
    if not precision or not rates:
        return None
    return Section(
        "curves",
        "Curves",
        (
            Plot(
                f"Precision over recall, and the average precision, of {of_worst}.",
                plots.curves(precision, x="recall", y="precision", diagonal=False),
            ),
            Plot(
                "ROC and the area under it, of the same classes; where classes are rare, judge by the curves above.",
                plots.curves(rates, x="share of others taken for it", y="share of it found", diagonal=True),
            ),
        ),
    )


def _calibration(findings: Findings) -> Section:
    calibration = findings.subject.evaluation.calibration
    caption = (
        f"Expected calibration error {calibration.error:.4f}: below the line scores are too high, above it too low."
    )
    return Section("calibration", "Calibration", (Plot(caption, plots.reliability(calibration)),))


def _optional(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
