"""Which network and which file a build is of, decided from names and files alone."""

import json
from pathlib import Path

import pytest

from triptych_ops.builder import Recipe, preflight
from triptych_ops.errors import UsageError

EMPTY_SAFETENSORS = b"\x02\0\0\0\0\0\0\0{}"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(EMPTY_SAFETENSORS)
    return path


def test_the_network_is_named_by_the_user_by_the_hub_or_is_the_packaged_one(weights: Path) -> None:
    assert preflight.sources(Recipe(), None) == ("efficientnet_lite0", None)
    assert preflight.sources(Recipe(weights=weights), None) == ("efficientnet_lite0", weights)
    config = {"architecture": "resnet18.a1_in1k", "num_classes": 2, "pretrained_cfg": {"crop_pct": 0.9}}
    (weights.parent / "config.json").write_text(json.dumps(config))
    assert preflight.sources(Recipe(weights=weights), None) == ("timm:resnet18.a1_in1k", weights)
    assert preflight.sources(Recipe(architecture="resnet50", weights=weights), None) == ("resnet50", weights)


def test_a_config_of_another_library_names_no_network(weights: Path) -> None:
    (weights.parent / "config.json").write_text('{"model_type": "resnet"}')
    assert preflight.sources(Recipe(weights=weights), None) == ("efficientnet_lite0", weights)


def test_too_few_images_to_calibrate_on_are_refused_early(tmp_path: Path) -> None:
    for number in range(32):
        (tmp_path / f"{number}.png").touch()
    recipe = Recipe(precision="int8", calibration_images=tmp_path)
    images = preflight.calibration_images(recipe, None)
    assert images is not None
    assert len(images.paths) == 32
    (tmp_path / "0.png").unlink()
    with pytest.raises(UsageError, match=r"31 images in .* are too few to calibrate int8 on; give at least 32"):
        preflight.calibration_images(recipe, None)
