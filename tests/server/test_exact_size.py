"""A network that was trained on `Resize((224, 224))`: built by one command, and served by the real Triton."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from commands import Serving, triptych
from triptych import Client
from triptych_ops import export
from triptych_ops.photographs import PHOTOGRAPHS
from triptych_ops.release import Release, Store

pytestmark = pytest.mark.torch

NETWORK, SIDE, LABELS = "timm:test_resnet", 224, ("a", "b", "c", "d")


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    """A small random ResNet whose answers are as far apart as those of a trained one."""
    network = export.begin(NETWORK, classes=len(LABELS), pretrained=False, seed=1).network
    state = network.state_dict()
    network.load_state_dict(state | {"fc.weight": state["fc.weight"] * 10})
    return network.eval()


@pytest.fixture(scope="module")
def built(network: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The release; its build refuses one whose served answers are not torch's."""
    folder = tmp_path_factory.mktemp("exact")
    torch.save(network.state_dict(), folder / "own.pth")
    (folder / "labels.txt").write_text("\n".join(LABELS))
    done = triptych(
        *("build", "--architecture", NETWORK, "--weights", folder / "own.pth", "--labels", folder / "labels.txt"),
        *("--image-size", SIDE, "--resize", f"{SIDE},{SIDE}", "--store", folder / "store"),
        timeout_s=500,
    )
    assert done.returncode == 0, done.stderr
    return Store(folder / "store").release(1)


def test_the_definition_is_in_the_manifest_and_on_the_card(built: Release) -> None:
    manifest = built.manifest
    assert (manifest.preprocessing.resize, manifest.preprocessing.crop) == ((SIDE, SIDE), SIDE)
    assert manifest.quality.top1_agreement == 1
    assert manifest.weights.definition.endswith(f", with --image-size {SIDE} --resize {SIDE},{SIDE}")
    store = Path(built.location).parent.parent
    for form in ((), ("--card", "md")):
        shown = triptych("release", "show", "1", "--store", store, *form)
        assert f"exactly {SIDE} x {SIDE} pixels" in shown.stdout, shown.stderr


def test_a_wide_photograph_is_squashed_not_cropped(built: Release, network: torch.nn.Module, tmp_path: Path) -> None:
    mean, std = built.manifest.preprocessing.mean, built.manifest.preprocessing.std

    def probabilities(image: Image.Image, resize: transforms.Resize) -> np.ndarray:  # type: ignore[type-arg]
        steps = [resize, transforms.CenterCrop(SIDE), transforms.ToTensor(), transforms.Normalize(mean, std)]
        with torch.inference_mode():
            found: np.ndarray = network(transforms.Compose(steps)(image)[None]).softmax(dim=1)[0].numpy()  # type: ignore[type-arg]
        return found

    with Serving(Path(built.location).parent.parent, tmp_path) as serving, Client(serving.ports.grpc_url) as client:
        assert client.release().resize == (SIDE, SIDE)
        apart = 0.0
        for photograph in PHOTOGRAPHS:
            with Image.open(photograph.path) as file:
                image = file.convert("RGB").resize((900, 300), Image.Resampling.BICUBIC)
            image.save(tmp_path / "wide.png")
            served = np.zeros(len(LABELS))
            for prediction in client.classify(tmp_path / "wide.png", top_k=len(LABELS)).predictions:
                served[prediction.class_id] = prediction.score
            assert np.abs(served - probabilities(image, transforms.Resize((SIDE, SIDE)))).max() < 0.005
            apart = max(apart, np.abs(served - probabilities(image, transforms.Resize(SIDE))).max())
    assert apart > 0.02  # the control: of the shorter side, the answers would be others
