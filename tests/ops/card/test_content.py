"""A card says what the manifest says: every figure, every text, and nothing that only another release holds."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from triptych_ops.card import FORMS, Form, render
from triptych_ops.release import Manifest

WRITTEN = ("{:,}", "{}", "{:.3g}", "{:g}", "{:.4f}", "{:.4%}")
"""Every form that a figure may take in a card."""


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every figure and text of a manifest, by its place."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, child in items:
            yield from leaves(child, f"{path}.{key}")
    elif value is not None:
        yield path, value


def written(value: Any) -> set[str]:
    if isinstance(value, datetime):
        return {f"{value:%Y-%m-%d %H:%M:%S} UTC"}
    if isinstance(value, str):
        return {value, value.removesuffix("-dirty")}
    return {form.format(value) for form in WRITTEN} | {f"{value * 100:.4g}%"}


def absent(document: str, manifest: Manifest) -> list[str]:
    """The places of the manifest that the document does not show."""
    text = re.sub(r"<style>.*?</style>|<[^>]*>|\\(?=\W)", " ", document, flags=re.DOTALL).replace("&#39;", "'")
    text = re.sub(r"\\", "", text)
    shown = set(re.findall(r"[^\s]+", text)) | {token.strip(".,;:`()[]") for token in text.split()}
    return [
        place
        for place, value in leaves(manifest.model_dump(exclude={"schema_version"}))
        if not any(form in text if " " in form or isinstance(value, str) else form in shown for form in written(value))
    ]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["fp32", "int8", "bare", "trained"])
def test_everything_that_the_manifest_holds_is_in_the_card(
    request: pytest.FixtureRequest, kind: str, form: Form
) -> None:
    manifest: Manifest = request.getfixturevalue(kind)
    assert absent(render(manifest, form), manifest) == []


@pytest.mark.parametrize("form", FORMS)
def test_a_figure_that_is_removed_is_missed(int8: Manifest, form: Form) -> None:
    document = render(int8, form)
    figures = [(place, value) for place, value in leaves(int8.model_dump()) if isinstance(value, float)]
    assert len(figures) == 26
    for place, value in figures:
        harmed = document
        for text in written(value):
            harmed = re.sub(rf"(?<![\w.]){re.escape(text)}(?![\w.]*\d)", "", harmed)
        assert place in absent(harmed, int8), place


@pytest.mark.parametrize("form", FORMS)
def test_the_same_manifest_gives_the_same_bytes_and_another_gives_others(int8: Manifest, form: Form) -> None:
    again = Manifest.from_json(int8.to_json(), source="again")
    assert render(again, form).encode() == render(int8, form).encode()
    other = int8.model_copy(update={"quality": int8.quality.model_copy(update={"ties": 7})})
    assert render(other, form) != render(int8, form)


def test_what_nobody_stated_is_said_to_be_unknown(bare: Manifest, fp32: Manifest) -> None:
    document, complete = render(bare, "md"), render(fp32, "md")
    for words in (
        "| Licence of the weights | not stated |",
        "| Licence | not stated |",
        "| Package | none: a file of the builder's own |",
        "Nobody stated the licence of the weights.",
        "only their SHA-256 says which they are",
        "The manifest does not say on which images it was calibrated.",
        "The manifest holds no golden answers.",
        "not from a Git checkout",
    ):
        assert words in document
        assert words not in complete
    assert "built without DALI" in document
    assert "None" not in document


def test_limits_are_those_of_this_release(fp32: Manifest, int8: Manifest) -> None:
    plain, lowered = (render(manifest, "md").split("## Limits")[1] for manifest in (fp32, int8))
    assert "the manifest holds no accuracy on labelled pictures" in plain
    assert "On 3 images of 331 the best class was not the reference's" in plain
    for words in ("one was 0.358 away", "On a GPU nothing was measured", "changes that were not committed"):
        assert words in lowered
        assert words not in plain


def test_a_release_of_a_run_says_one_thing_of_its_accuracy(trained: Manifest, fp32: Manifest) -> None:
    """Control: the same card without the run says that there is no accuracy, and names none."""
    document, without = render(trained, "md"), render(fp32, "md")
    assert "Classified rightly by this release, served | 100% (82.4% to 100%)" in document
    assert "95% interval by Wilson" in document
    for words in ("holds no accuracy", "none of them is its accuracy", "a file of the builder's own", "no published"):
        assert words not in document, words
    for words in ("holds no accuracy", "none of them is its accuracy"):
        assert words in without
    assert "Accuracy, served" in document
    assert "Accuracy, served" not in without
    assert "on 18 images of the run's data set that it was not trained on" in document
    assert "DALI does not scale the run's images" in document


def test_both_agreements_of_the_gpu_form_stand_beside_their_bound(int8: Manifest) -> None:
    for agreement in ("96.55% (82.8% to 99.4%)", "97.3% (86.2% to 99.5%)"):
        assert f"| {agreement} | at least 91.5% |" in render(int8, "md")


def test_only_the_first_labels_are_shown_and_only_where_they_were_read(fp32: Manifest) -> None:
    assert "The first" not in render(fp32, "md")
    document = render(fp32, "md", labels=[f"class {index}" for index in range(9)])
    assert "The first 5 of 9 labels" in document
    assert "| 4 | class 4 |" in document
    assert "class 5" not in document


def test_what_is_less_than_all_is_never_written_as_all(fp32: Manifest) -> None:
    nearly = fp32.model_copy(update={"quality": fp32.quality.model_copy(update={"top1_agreement": 0.99999})})
    assert "99.999%" in render(nearly, "md")
    assert "| 100%" not in render(nearly, "md")
