"""`config.json` of the Hugging Face Hub beside the weights: read where nothing else is said, or said to be ignored."""

import json
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from timm.models import save_for_hf

from triptych_ops import export
from triptych_ops.errors import RefusedError
from triptych_ops.preprocessing import Preprocessing

from .conftest import TINY, random_network

CLASSES = ["cat", "dog", "fish"]
CONFIG: dict[str, Any] = {
    "architecture": "test_resnet",
    "num_classes": 3,
    "label_names": CLASSES,
    "pretrained_cfg": {
        "input_size": [3, 128, 128],
        "interpolation": "bilinear",
        "crop_pct": 0.8,
        "crop_mode": "center",
        "mean": [0.1, 0.2, 0.3],
        "std": [0.4, 0.5, 0.6],
        "num_classes": 3,
    },
}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "pytorch_model.bin"
    torch.save(random_network(TINY, classes=3).state_dict(), path)
    return path


def write(weights: Path, config: object) -> None:
    (weights.parent / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))


def without(*keys: str) -> dict[str, Any]:
    return {key: value for key, value in CONFIG.items() if key not in keys}


def test_what_timm_itself_writes_is_read(tmp_path: Path) -> None:
    network = timm.create_model("test_resnet", num_classes=3)
    own = {"mean": (0.1, 0.2, 0.3), "crop_pct": 0.8, "interpolation": "bilinear"}
    network.pretrained_cfg = {**network.pretrained_cfg, **own}  # type: ignore[assignment, dict-item]  # torch types attributes as modules
    save_for_hf(network, str(tmp_path), model_config={"label_names": CLASSES}, safe_serialization="both")
    for name in ("model.safetensors", "pytorch_model.bin"):
        found = export.load(TINY, weights=tmp_path / name)
        assert found.labels == tuple(CLASSES)
        assert found.preprocessing == Preprocessing(
            resize=200, crop=160, interpolation="bilinear", mean=[0.1, 0.2, 0.3], std=found.preprocessing.std
        )
        assert found.definition == "config.json of test_resnet"
        assert found.notes == (f"{tmp_path / 'config.json'} gives the preprocessing and the labels",)


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        CONFIG | {"architecture": "test_resnet.r160_in1k"},
        CONFIG | {"label_names": {"2": "fish", "0": "cat", "1": "dog"}},
        # As timm wrote before 0.9, and as transformers writes for its wrapper of timm's networks.
        {"architecture": "test_resnet", "num_classes": 3, "labels": CLASSES, **CONFIG["pretrained_cfg"]},
        {"architectures": ["TimmWrapperForImageClassification"], "model_type": "timm_wrapper", **CONFIG},
    ],
    ids=["timm", "with a tag", "labels by number", "older", "transformers' wrapper"],
)
def test_each_form_says_the_same(weights: Path, config: dict[str, Any]) -> None:
    write(weights, config)
    found = export.load(TINY, weights=weights)
    assert found.labels == tuple(CLASSES)
    assert found.preprocessing == Preprocessing(
        resize=160, crop=128, interpolation="bilinear", mean=[0.1, 0.2, 0.3], std=[0.4, 0.5, 0.6]
    )


def test_a_squash_resizes_both_sides(weights: Path) -> None:
    change = {"input_size": [3, 160, 160], "crop_pct": 1.0, "crop_mode": "squash", "interpolation": "lanczos"}
    write(weights, CONFIG | {"pretrained_cfg": CONFIG["pretrained_cfg"] | change})
    found = export.load(TINY, weights=weights).preprocessing
    assert (found.resize, found.crop, found.interpolation) == ((160, 160), 160, "lanczos")


def test_what_is_absent_has_timms_defaults(weights: Path) -> None:
    write(weights, {"architecture": "test_resnet", "input_size": [3, 64, 64], "labels": CLASSES})
    found = export.load(TINY, weights=weights).preprocessing
    assert (found.resize, found.crop, found.interpolation) == (73, 64, "bicubic")
    assert found.mean == [0.485, 0.456, 0.406]


def test_what_the_user_says_comes_first(weights: Path, tmp_path: Path) -> None:
    write(weights, CONFIG)
    (tmp_path / "labels.txt").write_text("a\nb\nc\n")
    own = Preprocessing(resize=72, crop=64, interpolation="bilinear", mean=[0.5] * 3, std=[0.25] * 3)
    (tmp_path / "own.json").write_text(own.model_dump_json())
    labelled = export.load(TINY, weights=weights, labels=tmp_path / "labels.txt")
    assert (labelled.labels, labelled.preprocessing.crop) == (("a", "b", "c"), 128)
    assert labelled.notes == (f"{tmp_path / 'config.json'} gives the preprocessing",)
    defined = export.load(TINY, weights=weights, definition=str(tmp_path / "own.json"))
    assert (defined.labels, defined.preprocessing) == (tuple(CLASSES), own)
    assert defined.notes == (f"{tmp_path / 'config.json'} gives the labels",)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("{", "is ignored: it cannot be read as JSON"),
        ([], "is ignored: it is no JSON object"),
        (
            {"model_type": "resnet", "id2label": {"0": "cat"}},
            "is ignored: it describes a network of transformers, 'resnet'",
        ),
        ({"name": "something else"}, "is ignored: it is not of timm's form"),
        (CONFIG | {"architecture": "resnet50"}, "is ignored: it is of timm:resnet50, not of timm:test_resnet"),
    ],
)
def test_what_is_not_read_is_said_to_be_ignored(weights: Path, tmp_path: Path, config: object, words: str) -> None:
    write(weights, config)
    (tmp_path / "labels.txt").write_text("a\nb\nc\n")
    found = export.load(TINY, weights=weights, labels=tmp_path / "labels.txt")
    assert found.definition == "timm test_resnet.r160_in1k"
    (note,) = found.notes
    assert note.startswith(f"{tmp_path / 'config.json'} ")
    assert words in note
    assert "\n" not in note


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"crop_mode": "border"}, "has the crop mode 'border'"),
        ({"crop_pct": -1}, "has an impossible crop_pct"),
        ({"mean": "grey"}, "has an impossible mean"),
        ({"input_size": [1, 64, 64], "mean": [0.5], "std": [0.5]}, "takes 1 channels"),
        ({"interpolation": "nearest"}, "interpolation"),
    ],
)
def test_a_definition_that_cannot_be_expressed_is_refused_not_passed_over(
    weights: Path, change: dict[str, Any], words: str
) -> None:
    write(weights, CONFIG | {"pretrained_cfg": CONFIG["pretrained_cfg"] | change})
    with pytest.raises(RefusedError, match=words) as raised:
        export.load(TINY, weights=weights)
    assert "config.json" in str(raised.value)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["cat", "dog"], "2 labels for 3 outputs"),
        ({"0": "cat", "2": "fish", "7": "dog"}, "names classes other than 0 to 2"),
        ([1, 2, 3], "labels that are no list of strings"),
    ],
)
def test_labels_that_do_not_fit_are_refused(weights: Path, labels: object, words: str) -> None:
    write(weights, CONFIG | {"label_names": labels})
    with pytest.raises(RefusedError, match=words):
        export.load(TINY, weights=weights)


def test_a_thousand_classes_without_labels_are_imagenets_as_they_are_without_a_config(tmp_path: Path) -> None:
    torch.save(random_network(TINY).state_dict(), tmp_path / "model.bin")
    write(tmp_path / "model.bin", without("label_names") | {"num_classes": 1000})
    assert export.load(TINY, weights=tmp_path / "model.bin").labels[967] == "espresso"


def test_a_training_begins_with_the_preprocessing_of_the_config(weights: Path) -> None:
    write(weights, CONFIG)
    begun = export.begin(TINY, classes=2, weights=weights)
    assert begun.preprocessing.crop == 128
    assert begun.notes == (f"{weights.parent / 'config.json'} gives the preprocessing",)
