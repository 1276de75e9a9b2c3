"""The page of an evaluation: all that it shows is in it, and nothing foreign becomes markup."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

from triptych_ops.training import Dataset, Run, open_dataset
from triptych_ops.training.evaluate import compare, evaluate
from triptych_ops.training.report import (
    Findings,
    Model,
    Served,
    compose,
    composition,  # its bounds
    document,
    render,
)

_HOSTILE = "<script>alert(1)</script> $x_1$ \u202e|"


@pytest.fixture
def findings(run: Run) -> Findings:
    """Two images of the test part are confused, one of them surely."""
    dataset = run.part("test")
    labels = [sample.label for sample in dataset.samples]
    scores = np.full((len(labels), 4), 0.1, np.float32)
    scores[np.arange(len(labels)), labels] = 0.7
    scores[0], scores[1] = (0.0, 0.02, 0.98, 0.0), (0.2, 0.6, 0.1, 0.1)
    model = Model("net", evaluate(scores, labels, dataset.classes), scores, None)
    return Findings("digits", "test", dataset, (model,))


def test_both_forms_show_the_figures_and_the_confused_images(findings: Findings) -> None:
    page = compose(findings)
    html, markdown = render(page, "html"), render(page, "md")
    first, second = (sample.name for sample in findings.dataset.samples[:2])
    for text in (html, markdown):
        assert "91.67%" in text
        assert text.index(first) < text.index(second)  # the surest error first
    assert html.count("<svg") == 4
    assert html.count('<img src="data:image/png;base64,') == 2
    assert 'src="http' not in html
    assert "<?xml" not in html
    assert render(compose(findings), "html") == html


def test_nothing_in_a_drawing_is_black_whatever_the_page_is(findings: Findings) -> None:
    """Text and lines have the page's colour or one of their own; SVG's default is black, also on a dark page."""
    html = render(compose(findings), "html")
    drawings = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    texts = [text for drawing in drawings for text in re.findall(r"<text[^>]*>", drawing)]
    assert len(texts) > 30
    colours = [re.search(r"fill: ([^;\"]+)", text) for text in texts]
    assert [text for text, colour in zip(texts, colours, strict=True) if not colour] == []
    assert {found[1] for found in colours if found} == {"currentColor", "#222222", "#ffffff"}  # the latter on shades
    lines = [line for drawing in drawings for line in re.findall(r"stroke: ([^;\"]+)", drawing)]
    assert "currentColor" in lines
    assert not {"black", "#000000", "#1b2229"} & {*lines}


def test_a_share_of_few_images_has_its_interval_and_the_method_is_named(findings: Findings) -> None:
    page = compose(findings)
    for text in (render(page, "html"), render(page, "md")):
        assert "95% interval by Wilson 74.2% to 97.7%" in text or "95% interval 74.2% to 97.7% by Wilson" in text
        assert "91.67% (74.2% to 97.7%)" in text
    interval = document(findings)["models"][0]["accuracy_interval"]
    assert interval["method"] == "Wilson"
    assert interval["low"] == pytest.approx(0.7415, abs=1e-4)


def test_a_list_that_is_cut_says_how_many_there_are(findings: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "2 images that were taken for another class" in render(compose(findings), "md")
    monkeypatch.setattr(composition, "_MOST_CONFUSED", 1)
    monkeypatch.setattr(composition, "_MOST_CURVES", 2)
    names = [sample.name for sample in findings.dataset.samples]
    other = np.roll(findings.subject.scores, 1, axis=1)
    served = Served(7, compare(findings.subject.scores, other, names))
    text = render(compose(dataclasses.replace(findings, served=served)), "md")
    assert "The first 1 of 2 images that were taken for another class" in text
    assert f"The first 1 of {len(served.agreement.differing)} images with another best class" in text
    assert "of the 2 of 4 classes with the least F1" in text


def test_foreign_labels_are_shown_and_nothing_else(findings: Findings) -> None:
    dataset = dataclasses.replace(findings.dataset, classes=(_HOSTILE, "1", "2", "日本"))
    labels = [sample.label for sample in dataset.samples]
    model = dataclasses.replace(findings.subject, evaluation=evaluate(findings.subject.scores, labels, dataset.classes))
    page = compose(Findings("a & b", "test", dataset, (model,)))
    html, markdown = render(page, "html"), render(page, "md")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "\\<script" in markdown
    assert "\u202e" not in html + markdown


def test_a_page_without_errors_or_curves(findings: Findings) -> None:
    """As a server with K = 1 answers that is always right."""
    dataset = findings.dataset
    labels = [sample.label for sample in dataset.samples]
    own = np.zeros((len(labels), 4), np.float32)
    own[np.arange(len(labels)), labels] = 1
    scores = np.where(own == 1, own, np.nan).astype(np.float32)
    served = Served(7, compare(own, scores, [sample.name for sample in dataset.samples]))
    found = Findings(
        "d", "test", dataset, (Model("m", evaluate(scores, labels, dataset.classes), scores, None),), served
    )
    html = render(compose(found), "html")
    assert "No image was confused." in html
    assert "Release 7" in html
    assert 'id="curves"' not in html


def test_the_json_has_all_figures(findings: Findings) -> None:
    baseline = dataclasses.replace(findings.subject, name="SVM", probabilities=False)
    found = document(dataclasses.replace(findings, models=(*findings.models, baseline)))
    first, second = json.loads(json.dumps(found))["models"]
    assert first["accuracy"] == pytest.approx(22 / 24)
    assert sum(map(sum, first["confusion"])) == 24
    assert first["per_class"][3]["roc_auc"] == 1
    assert first["calibration_error"] > 0
    assert second["calibration_error"] is None


def test_one_image(digits: Path) -> None:
    dataset = open_dataset(digits)
    one: Dataset = dataset.subset([dataset.samples[0].name])
    scores = np.array([[0.7, 0.1, 0.1, 0.1]], np.float32)
    page = compose(Findings("one", "test", one, (Model("m", evaluate(scores, [0], one.classes), scores, None),)))
    assert "1 image " in render(page, "md")
