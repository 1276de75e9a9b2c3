"""What the training side would answer: torch and torchvision's own transforms, nothing of the server's."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from .images import Images
from .weights import Weights

_BATCH_SIZE = 16  # images at a time: memory stays bounded, and larger ones are no faster on a CPU


class Reference:
    """The torch answer to image files."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._images = Images(weights.preprocessing)

    def pixels(self, path: Path) -> NDArray[np.uint8]:  # -> (S, S, 3) uint8
        """The image as the network's input, before normalisation.

        Raises:
            RefusedError: it cannot be decoded.
        """
        return np.asarray(self._images.cut(path, name=str(path)))

    def stack(self, paths: Sequence[Path]) -> NDArray[np.uint8]:  # -> (N, S, S, 3) uint8
        """`pixels` of each image."""
        return np.stack([self.pixels(path) for path in paths])

    def logits(self, paths: Sequence[Path]) -> NDArray[np.float32]:  # -> (N, C) float32
        """What the network says of every class, image by image."""
        return self._logits(paths).numpy()

    def probabilities(self, paths: Sequence[Path]) -> NDArray[np.float32]:  # -> (N, C) float32
        """Softmax probability of every class, image by image."""
        return torch.softmax(self._logits(paths), dim=1).numpy()

    def _logits(self, paths: Sequence[Path]) -> torch.Tensor:
        batches = [paths[start : start + _BATCH_SIZE] for start in range(0, len(paths), _BATCH_SIZE)]
        with torch.inference_mode():
            return torch.cat([self._weights.head(self._weights.backbone(self._stack(batch))) for batch in batches])

    def _stack(self, paths: Sequence[Path]) -> torch.Tensor:
        cut = [self._images.cut(path, name=str(path)) for path in paths]
        images = torch.stack([self._images.normalised(image) for image in cut])  # (N, 3, S, S)
        return images.contiguous(memory_format=torch.channels_last)  # half the time of depthwise convolutions
