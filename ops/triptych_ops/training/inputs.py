"""Samples of a data set as tensors: decoded by the one definition, in an order and by views that the seed decides."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from triptych_ops import export
from triptych_ops.preprocessing import Preprocessing

from .augmentation import views
from .data import Dataset, Sample
from .randomness import seeded
from .settings import Augmentation, Balance

HELD_BYTES = 1 << 30
"""Resized images are kept in memory where they need no more than this; larger sets are decoded in each epoch."""

Key = tuple[int, int]  # seed of the view, index of the sample
Batch = tuple[torch.Tensor, torch.Tensor]  # images (N, 3, S, S) float32, classes (N,) int64

_LEAST_IN_BATCH = 2  # of fewer, batch normalisation has no variance


class Inputs(TorchDataset[tuple[torch.Tensor, int]]):
    """The samples of one part under one augmentation."""

    def __init__(self, dataset: Dataset, definition: Preprocessing, *, augmentation: Augmentation) -> None:
        self._samples = dataset.samples
        self._images = export.Images(definition)
        self._view = None if augmentation == "none" else views(augmentation, definition)
        self._held: Sequence[Image.Image] | None = None
        if len(dataset) * _pixels(definition, whole=self._view is not None) * 3 <= HELD_BYTES:
            with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:  # decoders let other threads run
                self._held = list(pool.map(self._opened, self._samples))

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, key: Key) -> tuple[torch.Tensor, int]:
        """One image (3, S, S) float32 and its class."""
        seed, index = key
        sample = self._samples[index]
        image = self._held[index] if self._held else self._opened(sample)
        if self._view:
            with seeded(seed):
                image = self._view(image)
        return self._images.normalised(image), sample.label

    def batches(self, keys: Sequence[list[Key]], *, workers: int) -> Iterator[Batch]:
        """The batches of these keys, made by so many processes; by this one where the images are in memory."""
        workers = 0 if self._held else workers
        loader = DataLoader(self, batch_sampler=keys, num_workers=workers, prefetch_factor=4 if workers else None)
        yield from loader

    def _opened(self, sample: Sample) -> Image.Image:
        if self._view:
            return self._images.resized(sample.read(), name=sample.name)
        return self._images.cut(sample.read(), name=sample.name)


def _pixels(definition: Preprocessing, *, whole: bool) -> int:
    """Return the pixels of an image that is held: the whole resized one, or its centre crop."""
    if not whole:
        return definition.crop * definition.crop
    if isinstance(definition.resize, int):
        return definition.resize * definition.resize * 4 // 3  # a third more, of the longer side
    height, width = definition.resize
    return height * width


def in_order(count: int, *, batch_size: int) -> list[list[Key]]:
    """Every sample once, in its order, without randomness."""
    return _batched([(0, index) for index in range(count)], batch_size)


def shuffled(classes: Sequence[int], *, balance: Balance, batch_size: int, seed: int, epoch: int) -> list[list[Key]]:
    """The samples of an epoch at random, given the class of each; always alike for a seed and an epoch.

    With `oversample` those of rare classes come as often as those of the most frequent one.
    """
    random = np.random.default_rng((seed, epoch))
    indices = np.arange(len(classes))
    if balance == "oversample":
        indices = _oversampled(np.asarray(classes), random)
    indices = random.permutation(indices)
    seeds = random.integers(0, 2**63, len(indices))
    return _batched([(int(seed), int(index)) for seed, index in zip(seeds, indices, strict=True)], batch_size)


def _oversampled(classes: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    members = [np.flatnonzero(classes == label) for label in np.unique(classes)]
    most = max(map(len, members))
    repeated = [
        np.concatenate([np.tile(each, most // len(each)), random.choice(each, most % len(each), replace=False)])
        for each in members
    ]
    return np.concatenate(repeated)


def _batched(keys: list[Key], size: int) -> list[list[Key]]:
    batches = [keys[start : start + size] for start in range(0, len(keys), size)]
    if len(batches) > 1 and len(batches[-1]) < _LEAST_IN_BATCH:
        batches[-2:] = [batches[-2] + batches[-1]]
    return batches
