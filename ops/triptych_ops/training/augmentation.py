"""Random views of images while a network is trained, by torchvision.

All randomness is torch's own generator, so whoever seeds it decides the view.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import v2

from triptych_ops.preprocessing import Preprocessing

from .settings import Augmentation

View = Callable[[Image.Image], Image.Image]

_NOISE_PROBABILITY = 0.3
_NOISE_DEVIATION = 0.03  # of the range of a channel


class QuarterTurns(torch.nn.Module):
    """Turns an image by 0, 90, 180 or 270 degrees, each alike often."""

    def forward(self, image: Image.Image) -> Image.Image:
        """The turned image."""
        turns = int(torch.randint(4, ()))
        return image.transpose(_TURNS[turns - 1]) if turns else image


class Noise(torch.nn.Module):
    """Adds Gaussian noise to every channel of a pixel."""

    def forward(self, image: Image.Image) -> Image.Image:
        """The noisy image."""
        pixels = np.asarray(image, np.float32)  # (H, W, 3)
        noise = torch.randn(pixels.shape).numpy() * (255 * _NOISE_DEVIATION)
        return Image.fromarray(np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8))


def views(name: Augmentation, definition: Preprocessing) -> View:
    """What makes a view (S, S) of an image that is resized as the definition says."""
    pipeline: View = v2.Compose(_PIPELINES[name](definition.crop))
    return pipeline


_TURNS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)


def _none(side: int) -> list[Any]:
    return [v2.CenterCrop(side)]


def _light(side: int) -> list[Any]:
    return [
        v2.RandomAffine(10, translate=(0.08, 0.08), scale=(0.9, 1.1), interpolation=v2.InterpolationMode.BILINEAR),
        v2.CenterCrop(side),
        v2.ColorJitter(brightness=0.2, contrast=0.2),
    ]


def _photo(side: int) -> list[Any]:
    return [
        v2.RandomResizedCrop(side, scale=(0.35, 1.0), antialias=True),
        v2.RandomHorizontalFlip(),
        v2.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2),
    ]


def _article(side: int) -> list[Any]:
    return [
        v2.RandomCrop(side),
        v2.RandomHorizontalFlip(),
        QuarterTurns(),
        v2.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.05),
        v2.RandomApply([Noise()], p=_NOISE_PROBABILITY),
    ]


_PIPELINES: Mapping[Augmentation, Callable[[int], list[Any]]] = MappingProxyType(
    {"none": _none, "light": _light, "photo": _photo, "article": _article}
)
