"""Preprocessing as the publishers of weights define it."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from triptych_ops.errors import MissingError, OpsError, RefusedError
from triptych_ops.export import definitions, find_architecture
from triptych_ops.export.checkpoint import Checkpoint
from triptych_ops.export.images import Images
from triptych_ops.photographs import PHOTOGRAPHS

IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def checkpoint(path: Path = Path("weights.pth"), **metadata: str) -> Checkpoint:
    return Checkpoint(path, {"": {"weight": torch.zeros(1)}}, metadata)


@pytest.mark.parametrize(
    ("architecture", "named", "name", "resize", "crop", "interpolation"),
    [
        ("efficientnet_lite0", None, "tensorflow/tpu efficientnet-lite0", 256, 224, "bicubic"),
        ("resnet50", None, "ResNet50_Weights.IMAGENET1K_V2", 232, 224, "bilinear"),
        ("resnet50", "IMAGENET1K_V1", "ResNet50_Weights.IMAGENET1K_V1", 256, 224, "bilinear"),
        ("resnet50", "ResNet50_Weights.IMAGENET1K_V1", "ResNet50_Weights.IMAGENET1K_V1", 256, 224, "bilinear"),
        ("efficientnet_b0", "DEFAULT", "EfficientNet_B0_Weights.IMAGENET1K_V1", 256, 224, "bicubic"),
        ("inception_v3", None, "Inception_V3_Weights.IMAGENET1K_V1", 342, 299, "bilinear"),
        ("timm:tf_efficientnet_lite0", None, "timm tf_efficientnet_lite0.in1k", 256, 224, "bicubic"),
        ("timm:resnet50", "a1_in1k", "timm resnet50.a1_in1k", 235, 224, "bicubic"),
        ("timm:resnet50", "resnet50.tv_in1k", "timm resnet50.tv_in1k", 256, 224, "bilinear"),
        ("timm:resnet50.tv_in1k", None, "timm resnet50.tv_in1k", 256, 224, "bilinear"),
        (
            *("timm:convnext_tiny.in12k_ft_in1k_384", None, "timm convnext_tiny.in12k_ft_in1k_384"),
            *((384, 384), 384, "bicubic"),
        ),
    ],
)
def test_a_published_definition_is_expressed(
    architecture: str, named: str | None, name: str, resize: int | tuple[int, int], crop: int, interpolation: str
) -> None:
    found = definitions.resolve(find_architecture(architecture), checkpoint(), named=named)
    definition = found.preprocessing
    assert found.name == name
    assert (definition.resize, definition.crop, definition.interpolation) == (resize, crop, interpolation)
    assert found.labels is not None
    assert found.labels[967] == "espresso"


def test_mean_and_std_are_the_publishers() -> None:
    torchvision = definitions.resolve(find_architecture("resnet18"), checkpoint(), named=None).preprocessing
    assert (torchvision.mean, torchvision.std) == (IMAGENET_MEAN, IMAGENET_STD)
    timm = definitions.resolve(find_architecture("timm:tf_efficientnet_lite0"), checkpoint(), named=None).preprocessing
    assert (timm.mean, timm.std) == ([0.5] * 3, [0.5] * 3)


@pytest.mark.parametrize(
    ("architecture", "named", "error", "words"),
    [
        ("resnet18", "IMAGENET1K_V7", MissingError, "choose ResNet18_Weights.IMAGENET1K_V1 or a JSON file"),
        ("resnet18", "ResNet50_Weights.IMAGENET1K_V1", MissingError, "there is no definition"),
        ("timm:resnet18.nonsense", None, MissingError, "timm has no weights 'nonsense' of resnet18"),
        ("timm:dla102.in1k", "/", MissingError, "there is no definition '/'"),
    ],
)
def test_an_unknown_definition_is_refused(
    architecture: str, named: str | None, error: type[OpsError], words: str
) -> None:
    with pytest.raises(error) as raised:
        definitions.resolve(find_architecture(architecture), checkpoint(), named=named)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"crop_mode": "border"}, "has the crop mode 'border'; a release has center and squash"),
        ({"interpolation": "nearest"}, "interpolation"),
        ({"interpolation": "random"}, "interpolation"),
        ({"crop_pct": 1.2}, "crop_pct 1.2 is not above 0 and at most 1"),
        ({"input_size": (1, 160, 160), "mean": (0.5,), "std": (0.5,)}, "takes 1 channels"),
        ({"input_size": (3, 160, 192)}, "crop: [160, 192] is not square"),
    ],
)
def test_what_a_release_cannot_express_is_refused(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], words: str
) -> None:
    import timm
    from timm.models import PretrainedCfg

    architecture = find_architecture("timm:test_resnet")
    published = timm.get_pretrained_cfg("test_resnet")
    assert published is not None
    definitions.resolve(architecture, checkpoint(), named=None)
    harmed = PretrainedCfg(**(published.__dict__ | changed))
    monkeypatch.setattr(timm, "get_pretrained_cfg", lambda _: harmed)
    with pytest.raises(RefusedError) as raised:
        definitions.resolve(architecture, checkpoint(), named=None)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ('{"resize": 64, "crop": 72, "interpolation": "bilinear", "mean": [0,0,0], "std": [1,1,1]}', "larger than"),
        ('{"resize": 72, "crop": 64, "interpolation": "nearest", "mean": [0,0,0], "std": [1,1,1]}', "interpolation"),
        ('{"resize": [1,2,3], "crop": 64, "interpolation": "bicubic", "mean": [0,0,0], "std": [1,1,1]}', "neither"),
        ("{}", "resize: Field required"),
        ("resize", "Invalid JSON"),
    ],
)
def test_a_file_that_is_no_preprocessing_is_refused(tmp_path: Path, document: str, words: str) -> None:
    (tmp_path / "own.json").write_text(document)
    with pytest.raises(RefusedError) as raised:
        definitions.resolve(find_architecture("resnet18"), checkpoint(), named=str(tmp_path / "own.json"))
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("mode", "share", "resize"), [("center", 0.9, 177), ("squash", 0.9, (177, 177)), ("squash", 1.0, (160, 160))]
)
def test_a_definition_of_timm_gives_the_pixels_of_timms_own_transforms(
    mode: str, share: float, resize: int | tuple[int, int]
) -> None:
    from timm.data.transforms_factory import create_transform

    rest: dict[str, Any] = {"interpolation": "bicubic", "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.4)}
    definition = definitions.preprocessing_of_timm("it", crop=(160, 160), crop_pct=share, crop_mode=mode, **rest)
    assert definition.resize == resize
    theirs = create_transform((3, 160, 160), is_training=False, crop_pct=share, crop_mode=mode, **rest)
    with Image.open(PHOTOGRAPHS[0].path) as file:
        image = file.convert("RGB")
    images = Images(definition)
    ours = images.normalised(images.cut(PHOTOGRAPHS[0].path, name="it"))
    assert torch.equal(ours, theirs(image))


def test_two_sides_of_torchvision_are_an_exact_size(monkeypatch: pytest.MonkeyPatch) -> None:
    resnet18 = find_architecture("resnet18")
    preset = definitions._entries(resnet18)["DEFAULT"].transforms()
    preset.resize_size, preset.crop_size = [232, 300], [224, 224]

    class Entry:
        url = "https://localhost/published.pth"

        @staticmethod
        def transforms() -> Any:
            return preset

        def __str__(self) -> str:
            return "published"

    monkeypatch.setattr(definitions, "_entries", lambda _: {"DEFAULT": Entry()})
    definition = definitions.resolve(resnet18, checkpoint(), named=None).preprocessing
    assert (definition.resize, definition.crop) == ((232, 300), 224)


def test_a_published_name_must_be_the_published_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    resnet50 = find_architecture("resnet50")
    path = tmp_path / "resnet50-0676ba61.pth"
    path.write_bytes(b"something else")
    with pytest.raises(RefusedError, match=r"not the published ResNet50_Weights\.IMAGENET1K_V1"):
        definitions.resolve(resnet50, checkpoint(path), named=None)
    # The control: a file that bears its own hash.
    first, *_ = definitions._entries(resnet50).values()
    own = tmp_path / f"resnet50-{hashlib.sha256(b'something else').hexdigest()[:8]}.pth"
    own.write_bytes(b"something else")

    class Entry:
        url = f"https://localhost/models/{own.name}"
        transforms = first.transforms

        def __str__(self) -> str:
            return "published"

    entries = dict(definitions._entries(resnet50)) | {"OWN": Entry()}
    monkeypatch.setattr(definitions, "_entries", lambda _: entries)
    assert definitions.resolve(resnet50, checkpoint(own), named=None).name == "published"
