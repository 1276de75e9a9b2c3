"""What the training side would answer: torch and torchvision's own transforms, nothing of the server's."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torchvision import transforms

from .weights import Weights


class Reference:
    """The torch answer to image files."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        definition = weights.preprocessing
        self._cut = transforms.Compose(
            [
                transforms.Resize(definition.resize, transforms.InterpolationMode(definition.interpolation)),
                transforms.CenterCrop(definition.crop),
            ]
        )
        self._normalise = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize(definition.mean, definition.std)]
        )

    def pixels(self, path: Path) -> NDArray[np.uint8]:  # -> (S, S, 3) uint8
        """The image as the network's input, before normalisation."""
        return np.asarray(self._open(path))

    def probabilities(self, path: Path) -> NDArray[np.float32]:  # -> (C,) float32
        """Softmax probability of every class."""
        image = self._normalise(self._open(path)).unsqueeze(0)  # (3, S, S) -> (1, 3, S, S)
        with torch.inference_mode():
            logits = self._weights.head(self._weights.backbone(image))
        probabilities: NDArray[np.float32] = torch.softmax(logits, dim=1)[0].numpy()
        return probabilities

    def _open(self, path: Path) -> Image.Image:
        with Image.open(path) as file:
            image: Image.Image = self._cut(ImageOps.exif_transpose(file).convert("RGB"))
        return image
