"""What a run trained, ready to infer."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from triptych_ops import export

from .data import Dataset
from .run import Run

_BATCH_SIZE = 32  # images at a time: memory stays bounded, and larger ones are no faster on a CPU


def load_model(run: Run) -> export.Weights:
    """The network of the run's best epoch, in halves, with preprocessing and labels.

    `model.head(model.backbone(images))` are logits (N, C) of normalised images (N, 3, S, S) float32, both halves
    in inference mode; `model.preprocessing` makes such images of encoded ones, `model.labels` are the C classes.

    Raises:
        MissingError: there is no run, or no weights in it.
        RefusedError: a file of it is damaged.
    """
    return export.load(run.record.architecture, weights=run.weights_file)


def probabilities(
    model: export.Weights, dataset: Dataset, *, advance: Callable[[int], None] = lambda _: None
) -> NDArray[np.float32]:  # -> (N, C) float32
    """Softmax probability of every class for each sample in order; `advance` is told of each number of images done.

    Raises:
        RefusedError: an image cannot be decoded.
    """
    found = [np.zeros((0, len(model.labels)), np.float32)]
    for images in _batches(model, dataset, advance):
        with torch.inference_mode():
            found.append(torch.softmax(model.head(model.backbone(images)), dim=1).numpy())
    return np.concatenate(found)


def embeddings(
    model: export.Weights, dataset: Dataset, *, advance: Callable[[int], None] = lambda _: None
) -> NDArray[np.float32]:  # -> (N, D) float32
    """What the head takes, for each of at least one sample, in order.

    Raises:
        RefusedError: an image cannot be decoded.
    """
    found = []
    for images in _batches(model, dataset, advance):
        with torch.inference_mode():
            found.append(model.backbone(images).numpy())
    return np.concatenate(found)


def _batches(model: export.Weights, dataset: Dataset, advance: Callable[[int], None]) -> Iterator[torch.Tensor]:
    images = export.Images(model.preprocessing)
    for start in range(0, len(dataset), _BATCH_SIZE):
        batch = dataset.samples[start : start + _BATCH_SIZE]
        cut = [images.cut(sample.read(), name=sample.name) for sample in batch]
        tensor = torch.stack([images.normalised(image) for image in cut])  # (N, 3, S, S) float32
        yield tensor.contiguous(memory_format=torch.channels_last)
        advance(len(batch))
