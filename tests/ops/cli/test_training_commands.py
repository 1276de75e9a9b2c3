"""`triptych train`, `data`, `evaluate` and `features` as users run them, where something is wrong."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pytest
import torch
from PIL import Image

from ops.cli.conftest import Command
from ops.training.data.test_structure import divide
from ops.training.digits import write_digits
from triptych_ops import export
from triptych_ops.cli.train import _settings, train
from triptych_ops.training import Run

pytestmark = pytest.mark.torch

Change = Callable[[Path], object]
LENET = ("--architecture", "lenet5", "--epochs", "1", "--random")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Ten pictures of each of three digits."""
    return write_digits(tmp_path / "digits", each=10, classes=3)


def empty_class(folder: Path) -> None:
    (folder / "3").mkdir()


def one_class(folder: Path) -> None:
    for label in ("1", "2"):
        (folder / label).rename(folder / f".{label}")


def one_image(folder: Path) -> None:
    for path in sorted((folder / "2").iterdir())[1:]:
        path.unlink()


def corrupt(folder: Path) -> None:
    path = min((folder / "0").iterdir())
    path.write_bytes(path.read_bytes()[:40])


def in_two_classes(folder: Path) -> None:
    path = min((folder / "0").iterdir())
    (folder / "1" / path.name).write_bytes(path.read_bytes())


def odd_label(folder: Path) -> None:
    (folder / "2").rename(folder / "two\nlines")


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        (empty_class, 4, "the class '3' is empty"),
        (one_class, 4, "class"),
        (one_image, 4, "'2'"),
        (corrupt, 4, "0/"),
        (in_two_classes, 4, "0/"),
        (odd_label, 4, "two\\nlines"),
    ],
)
def test_images_that_cannot_be_trained_on_are_one_line(
    change: Change, status: int, words: str, images: Path, command: Command, tmp_path: Path
) -> None:
    change(images)
    done = command("train", images, "--out", tmp_path / "run", *LENET)
    assert (done.status, done.stdout) == (status, ""), done.stderr
    assert words in done.stderr.splitlines()[-1]
    assert not list((tmp_path / "run").glob("*"))


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("nowhere",), 3, "there is nothing at nowhere"),
        (("IMAGES", "--architecture", "lenet6"), 3, "lenet6"),
        (("IMAGES", "--shares", "1:1"), 2, "1:1"),
        (("IMAGES", "--split", "none.json"), 3, "none.json"),
        (("IMAGES", "--loss", "no.such:loss"), 3, "no.such"),
        (("IMAGES", "--weights", "none.safetensors"), 2, "leave one out"),
        (("IMAGES", "--architecture", "lenet5", "--pretrained", "--weights", "none.pt"), 3, "none.pt"),
        (("IMAGES", "--resize", "1,2,3"), 2, "'1,2,3' is neither the pixels of the shorter side (256) nor an exact"),
        (("IMAGES", "--resize", "0"), 2, "'0' is neither"),
        (("IMAGES", "--resize", "40,"), 2, "'40,' is neither"),
        (("IMAGES", "--resize", "99999,40"), 2, "'99999,40' is neither"),
        (("IMAGES", "--resize", "24,40"), 2, "crop 32 is larger than resize [24, 40]; choose a larger --resize"),
        (("IMAGES", "--resize", "24,40", "--image-size", "28"), 2, "crop 28 is larger than resize [24, 40]"),
        (("IMAGES", "--resize", "40", "--crop-pct", "0.9"), 2, "--resize and --crop-pct both say how large"),
        (("IMAGES", "--crop-pct", "0"), 2, "0<x<=1"),
        (("IMAGES", "--crop-pct", "1.1"), 2, "0<x<=1"),
        (("IMAGES", "--interpolation", "nearest"), 2, "'nearest' is not one of"),
    ],
)
def test_settings_that_make_no_sense_are_one_line(
    arguments: tuple[str, ...], status: int, words: str, images: Path, command: Command, tmp_path: Path
) -> None:
    given = [str(images) if each == "IMAGES" else each for each in arguments]
    own = LENET if "--architecture" not in given else ("--epochs", "1")
    done = command("train", *own, *given, "--out", tmp_path / "run")
    assert (done.status, done.stdout) == (status, ""), done.stderr
    assert words in done.stderr.splitlines()[-1]
    assert not list((tmp_path / "run").glob("*"))


def test_averaged_weights_are_taken_unless_a_key_names_others(images: Path, command: Command, tmp_path: Path) -> None:
    state = export.begin("lenet5", classes=10, pretrained=False).network.state_dict()
    weights = tmp_path / "checkpoint.pth"
    torch.save({"state_dict": state, "state_dict_ema": {name: tensor * 2 for name, tensor in state.items()}}, weights)
    own = ("train", images, "--architecture", "lenet5", "--epochs", "1", "--weights", weights)
    done = command(*own, "--out", tmp_path / "averaged")
    assert done.status == 0, done.stderr
    (note,) = (line for line in done.stderr.splitlines() if " is taken" in line)
    assert "holds state_dict and state_dict_ema; state_dict_ema is taken" in note
    assert note.endswith("--weights-key state_dict takes the others")
    raw = command(*own, "--weights-key", "state_dict", "--out", tmp_path / "raw")
    assert raw.status == 0, raw.stderr
    assert " is taken" not in raw.stderr
    losses = [Run(tmp_path / name).record.epochs[0].train_loss for name in ("averaged", "raw")]
    assert losses[0] != losses[1]
    done = command(*own, "--weights-key", "ema", "--out", tmp_path / "none")
    assert (done.status, done.stdout) == (3, "")
    assert "has no weights under the key 'ema'; it holds state_dict (" in done.stderr.splitlines()[-1]


def test_a_split_of_other_images_is_refused(images: Path, command: Command, tmp_path: Path) -> None:
    assert command("train", images, "--out", tmp_path / "run", *LENET, "--epochs", 1).status == 0
    split = tmp_path / "run" / "split.json"
    path = min((images / "0").iterdir())
    path.rename(path.with_name("another.png"))
    done = command("train", images, "--out", tmp_path / "other", *LENET, "--split", split)
    assert (done.status, done.stdout) == (4, ""), done.stderr
    assert str(split) in done.stderr.splitlines()[-1]


def test_data_check_tells_what_is_wrong(images: Path, command: Command) -> None:
    assert command("data", "check", images).status == 0
    corrupt(images)
    in_two_classes(images)
    done = command("data", "check", images, "--json")
    assert done.status == 4
    assert json.loads(done.stdout)
    assert len(done.stderr.splitlines()) >= 1


def test_features_of_sequences_have_a_row_each(command: Command, tmp_path: Path) -> None:
    dice = np.random.default_rng(1)
    for name in ("calm/1", "calm/2", "wild/1"):
        folder = tmp_path / "films" / name
        folder.mkdir(parents=True)
        still = dice.integers(0, 255, (32, 32, 3), np.uint8)
        for number in range(4):
            frame = still if name.startswith("calm") else dice.integers(0, 255, (32, 32, 3), np.uint8)
            Image.fromarray(frame).save(folder / f"{number}.png")
    done = command("features", tmp_path / "films", "--descriptor", "lbp-top", "--out", tmp_path / "t.csv")
    assert done.status == 0, done.stderr
    with (tmp_path / "t.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert head[:3] == ["image", "label", "lbp-top_0"]
    assert [row[:2] for row in rows] == [["calm/1", "calm"], ["calm/2", "calm"], ["wild/1", "wild"]]
    one, other, wild = (np.array(row[2:], float) for row in rows)
    assert np.abs(one - other).sum() < np.abs(one - wild).sum()  # what does not move is alike in XT and YT


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((), 2, "nothing describes the images"),
        (("--descriptor", "lbp-top", "--descriptor", "hog"), 2, "ask for it alone"),
        (("--descriptor", "lbp", "--out", "t.xlsx"), 2, "neither .csv nor .npz"),
        (("--descriptor", "lbp-top"), 0, "3 sequences of 30 features"),
        (("--deep", "nowhere"), 3, "nowhere"),
    ],
)
def test_features_end_as_documented(
    arguments: tuple[str, ...], status: int, words: str, images: Path, command: Command, tmp_path: Path
) -> None:
    done = command("features", images, "--out", tmp_path / "t.csv", *arguments)
    assert done.status == status, done.stderr
    assert words in done.stderr
    assert (tmp_path / "t.csv").exists() is (status == 0)


_IN_WORDS = frozenset(
    {
        *("architecture", "pretrained", "patience", "teacher", "quantisation_aware", "mixed_precision"),
        *("image_size", "resize", "crop_pct", "interpolation"),
    }
)
"""Settings whose default the help describes in words."""


@pytest.mark.parametrize("has_weights", [True, False])
def test_the_help_of_train_shows_the_defaults_that_hold(has_weights: bool, command: Command) -> None:
    text = " ".join(command("train", "--help").stdout.split())
    settings = _settings(None, None, pretrained=has_weights)
    for name, value in settings.model_dump().items():
        if name in _IN_WORDS:
            continue
        shown = f"{value:g}" if isinstance(value, float) else str(value)
        found = re.search(rf"--{name.replace('_', '-')} .*?\[default: ([^\]]*)\]", text)
        assert found, name
        first, _, other = found[1].partition("; with random weights ")
        assert shown == (first if has_weights or not other else other), name


def test_every_option_of_train_says_what_it_does() -> None:
    silent = [option.name for option in train.params if isinstance(option, click.Option) and not option.help]
    assert silent == []
    undefined = [
        option.name
        for option in train.params
        if isinstance(option, click.Option)
        and not (option.required or option.is_flag or option.show_default or "[default: " in str(option.help))
    ]
    assert undefined == ["preset", "teacher", "split_file"]  # without one of these nothing is done


def test_data_check_tells_of_parts_and_files_of_systems(images: Path, command: Command, tmp_path: Path) -> None:
    photos = divide(images, tmp_path / "divided", ("train", "test"))
    (photos / "train" / "@eaDir").mkdir()
    (photos / "train" / "@eaDir" / "thumb.jpg").write_bytes(b"x")
    document = command("data", "check", photos, "--json").document
    assert (document["layout"], document["parts"]) == ("splits", {"train": 24, "test": 6})
    assert [finding["name"] for finding in document["findings"]] == ["train/@eaDir (1 file)"]
    done = command("data", "check", photos)
    assert "divided already, and its parts are the split: 24 train, 6 test images (see --layout)" in done.stderr
    leaked = next((photos / "train" / "0").iterdir())
    (photos / "test" / "0" / "again.png").write_bytes(leaked.read_bytes())
    done = command("data", "check", photos)
    assert done.status == 4
    assert "copies in two parts" in done.stdout
    assert command("data", "check", photos, "--layout", "pooled").status == 0
