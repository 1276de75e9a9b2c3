"""`triptych release show`: by number, by alias, as a table, as JSON, as a card."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import releases
from commands import triptych
from triptych_ops.cli.release.show import show_release
from triptych_ops.release import Calibration, GpuForm, Manifest, Store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Holds releases 7 and 8; 7 is stable, quantised and has a GPU form."""
    store = Store(tmp_path_factory.mktemp("store"))
    with store.staging() as staged:
        releases.write_sound(staged, 7)
        store.publish(staged, _quantised(releases.manifest(7, staged)))
    releases.publish_words(store, 8)
    store.tag("stable", 7)
    return store


def _quantised(manifest: Manifest) -> Manifest:
    layers = Calibration(images=64, source="other views", method="MinMax", float_layers=["/a", "/b\x1b[31m"])
    gpu = GpuForm(
        dali="2.4.0",
        images=24,
        pixels_mean_difference=0.00432,
        decoded_top1_agreement=0.9583,
        top1_agreement_minimum=0.915,
        pixels_mean_tolerance=0.05,
        fp16_images=40,
        fp16_top1_agreement=0.975,
    )
    weights = manifest.weights.model_copy(update={"licence": "MIT\x1b[31m"})
    return manifest.model_copy(update={"precision": "int8", "calibration": layers, "gpu": gpu, "weights": weights})


def show(store: Store, *arguments: object) -> str:
    """What the command prints, in this process: it would take a second to start another."""
    done = CliRunner().invoke(show_release, [*map(str, arguments), "--store", store.location])
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def test_a_release_is_named_by_number_or_alias_or_is_the_newest(store: Store) -> None:
    assert show(store).startswith("release 8")
    by_number = show(store, 7)
    assert by_number.startswith("release 7")
    assert show(store, "stable") == by_number


def test_the_table_says_how_it_was_lowered_and_measured(store: Store) -> None:
    lowered, plain = (" ".join(show(store, number).split()) for number in (7, 8))
    for words in (
        "aliases stable",
        "int8, 6 classes, top 2",
        "64 images (other views), MinMax, 2 layers left in float",
        "DALI 2.4.0 decodes within 0.0043 of 255 in the mean, same top-1 on 95.83% of 24 images "
        "(95% interval 79.8% to 99.3% by Wilson; at least 91.5%)",
        "fp16 graph, same top-1 on 97.5% (95% interval 87.1% to 99.6% by Wilson; at least 91.5%); "
        "nothing measured on a GPU",
    ):
        assert words in lowered
        assert words not in plain
    for words in (
        "same top-1 as torch on 100% of 200 images (95% interval 98.1% to 100% by Wilson; at least",
        "0.0005 in the mean (at most 0.005)",
        "Zürich 0.7500",
    ):
        assert words in plain


def test_foreign_text_moves_no_cursor(store: Store) -> None:
    assert "MIT\\x1b[31m" in show(store, 7)
    assert "\x1b" not in show(store, 7) + show(store, 7, "--card", "md") + show(store, 7, "--card", "html")


def test_json_is_the_manifest_with_its_place_and_aliases(store: Store) -> None:
    document = json.loads(show(store, "stable", "--json"))
    assert document["schema_version"] == 1
    assert (document["number"], document["aliases"]) == (7, ["stable"])
    assert document["location"] == store.release(7).location
    assert document["manifest_sha256"] == store.release(7).manifest_sha256
    assert document["calibration"]["float_layers"][0] == "/a"


@pytest.mark.parametrize(
    ("form", "start"), [("md", "# efficientnet_lite0, release 7\n"), ("html", "<!doctype html>\n")]
)
def test_a_card_is_the_whole_document_with_the_labels_that_were_read(store: Store, form: str, start: str) -> None:
    card = show(store, "stable", "--card", form)
    assert card.startswith(start)
    assert re.search(r"The first \d of \d labels", card)
    assert "日本" in card
    assert "The first" not in show(store, 8, "--card", form)  # it has no labels


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--card", "md", "--json"], 2, "--card and --json are two answers"),
        (["--card", "pdf"], 2, "'pdf' is not one of 'md', 'html'"),
        (["9"], 3, "has no release 9"),
        (["candidate"], 3, "candidate"),
    ],
)
def test_what_cannot_be_shown_is_one_line(store: Store, arguments: list[str], status: int, words: str) -> None:
    done = triptych("release", "show", *arguments, "--store", store.location)
    assert (done.returncode, done.stdout) == (status, "")
    (line,) = done.stderr.splitlines()[-1:]
    assert words in line


def test_the_labels_of_a_card_end_where_the_server_ends_them(tmp_path: Path) -> None:
    _publish_labels(tmp_path, "".join(f"{number} a\x85b\n" for number in range(6)).encode())
    card = show(Store(tmp_path), "--card", "md")
    for number in range(5):
        assert f"| {number} | {number} a\\\\x85b |" in card


def test_labels_that_are_no_text_are_one_line(tmp_path: Path) -> None:
    _publish_labels(tmp_path, b"cat\n\xff\n")
    done = triptych("release", "show", "--card", "md", "--store", tmp_path)
    assert (done.returncode, done.stdout) == (4, "")
    (line,) = done.stderr.splitlines()
    assert "labels.txt is not UTF-8: invalid start byte at byte 4; build the release again" in line


def _publish_labels(folder: Path, content: bytes) -> None:
    """Publish release 1 with these labels in a store."""
    store = Store(folder)
    with store.staging() as staged:
        releases.write_sound(staged, 1)
        (staged / "repository" / "postprocess" / "1" / "labels.txt").write_bytes(content)
        store.publish(staged, releases.manifest(1, staged))


def test_the_largest_figures_that_a_manifest_may_hold_are_shown(tmp_path: Path) -> None:
    store = Store(tmp_path)
    releases.publish_words(store, 1)
    path = tmp_path / "releases" / "1" / "release.json"
    document = json.loads(path.read_bytes())
    _enlarge(document)
    Manifest.from_json(json.dumps(document).encode(), source="enlarged")
    path.write_text(json.dumps(document))
    (tmp_path / "numbers" / "1.json").unlink()  # which has the digest of the manifest as it was
    assert f"{2**31 - 1} classes" in show(store)
    for form in ("md", "html"):
        assert f"{2**31 - 1:,}" in show(store, "--card", form)


def _enlarge(document: dict[str, Any]) -> None:
    for key, value in document.items():
        if isinstance(value, dict):
            _enlarge(value)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    _enlarge(item)
        elif isinstance(value, int) and key not in ("schema_version", "number"):
            document[key] = {"size": 2**63, "crop": 2**16, "resize": 2**16}.get(key, 2**31) - 1
        elif isinstance(value, float) and key != "top1_agreement":
            document[key] = sys.float_info.max


def test_labels_that_were_altered_are_not_shown(tmp_path: Path) -> None:
    altered = Store(tmp_path)
    releases.publish_sound(altered, 1)
    path = tmp_path / "releases" / "1" / "repository" / "postprocess" / "1" / "labels.txt"
    assert "日本" in show(altered, "--card", "md")
    path.write_bytes(path.read_bytes().replace(b"cat", b"dog"))
    done = triptych("release", "show", "--card", "md", "--store", tmp_path)
    assert done.returncode == 4
    assert str(path) in done.stderr
