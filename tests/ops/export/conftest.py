"""Files of random weights of small networks: real formats, real loaders, no training."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
import torchvision
from numpy.typing import NDArray

from triptych_ops import export

TINY = "timm:test_resnet"  # 160 pixels, 0.5 million weights

SaveWeights = Callable[..., Path]


def random_network(name: str, *, classes: int = 1000) -> torch.nn.Module:
    """A network of torchvision or of timm with random weights, the same each time."""
    torch.manual_seed(0)
    if name.startswith("timm:"):
        network: torch.nn.Module = timm.create_model(name.removeprefix("timm:"), num_classes=classes)
    else:
        slow = {"init_weights": False} if name == "googlenet" else {}
        network = torchvision.models.get_model(name, weights=None, num_classes=classes, **slow)
    for module in network.modules():
        if (
            isinstance(module, torch.nn.BatchNorm2d) and module.running_mean is not None
        ):  # as trained ones: none is 0, which would hide what is before it
            module.weight.data.uniform_(0.5, 1.5)
            module.running_mean.normal_(0, 0.1)
    return network.eval()


@pytest.fixture
def save_weights(tmp_path: Path) -> SaveWeights:
    """Saves a random network's state dict and returns the path."""

    def save(name: str = TINY, *, classes: int = 1000) -> Path:
        path = tmp_path / f"{name.replace(':', '-')}-{classes}.pth"
        torch.save(random_network(name, classes=classes).state_dict(), path)
        return path

    return save


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> export.Weights:
    """The tiny network, loaded."""
    path = tmp_path_factory.mktemp("weights") / "tiny.pth"
    torch.save(random_network(TINY).state_dict(), path)
    return export.load(TINY, weights=path)


@pytest.fixture(scope="session")
def pixels(tiny: export.Weights) -> NDArray[np.uint8]:
    """Images (32, S, S, 3) with structure: noise of different coarseness."""
    side, random = tiny.preprocessing.crop, np.random.default_rng(0)
    images = [random.integers(0, 256, (side // grain, side // grain, 3)) for grain in (2, 4, 8, 16) for _ in range(8)]
    return np.stack([np.kron(image, np.ones((side // len(image),) * 2 + (1,))) for image in images]).astype(np.uint8)


@pytest.fixture(scope="session")
def graph(
    tiny: export.Weights, pixels: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory
) -> export.ExportedGraph:
    """The tiny network in ONNX."""
    return export.export_graph(tiny, tmp_path_factory.mktemp("graph") / "model.onnx", pixels=pixels)
