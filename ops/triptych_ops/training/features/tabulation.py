"""A dataset -> the table of its vectors."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from triptych_ops import export

from ..data import Dataset
from ..model import embeddings, load_model
from ..run import Run
from .registry import describe
from .table import FeatureTable


def tabulate(
    dataset: Dataset,
    names: Sequence[str],
    *,
    run: Run | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> FeatureTable:
    """Every sample by the named descriptors, and then by the embedding of a run's network.

    Raises:
        RefusedError: an image cannot be decoded, or the run is damaged.
        MissingError: there is no such run.
    """
    blocks: list[NDArray[np.float64]] = []
    columns: list[str] = []
    if names:
        rows = []
        for sample in dataset.samples:
            image = export.decode(sample.read(), name=sample.name)
            rows.append([describe(image, [name]) for name in names])
            advance(1)
        for name, of_images in zip(names, zip(*rows, strict=True), strict=True):
            blocks.append(np.stack(of_images))
            columns += (f"{name}_{place}" for place in range(blocks[-1].shape[1]))
    if run:
        blocks.append(embeddings(load_model(run), dataset, advance=advance).astype(np.float64))
        columns += (f"deep_{place}" for place in range(blocks[-1].shape[1]))
    return FeatureTable(
        names=tuple(sample.name for sample in dataset.samples),
        labels=tuple(dataset.classes[sample.label] for sample in dataset.samples),
        columns=tuple(columns),
        vectors=np.concatenate(blocks, axis=1),
    )
