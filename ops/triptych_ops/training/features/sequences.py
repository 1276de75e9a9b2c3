"""Sequences of frames -> the table of their vectors."""

from collections.abc import Callable
from itertools import groupby
from pathlib import PurePosixPath
from typing import Final

import numpy as np
from PIL import Image

from triptych_ops import export
from triptych_ops.errors import RefusedError

from ..data import Dataset
from .registry import SIDE
from .table import FeatureTable
from .texture import lbp_top

LEAST_FRAMES: Final = 3


def tabulate_sequences(dataset: Dataset, *, advance: Callable[[int], None] = lambda _: None) -> FeatureTable:
    """Each folder of images within a class is a sequence, its frames in the order of their names; by LBP-TOP.

    Raises:
        RefusedError: an image cannot be decoded, or a sequence has fewer than three.
    """
    names, labels, vectors = [], [], []
    for place, group in groupby(dataset.samples, key=lambda sample: str(PurePosixPath(sample.name).parent)):
        samples = list(group)
        if len(samples) < LEAST_FRAMES:
            raise RefusedError(
                f"{dataset.source}/{place} has {len(samples)} frames, and a sequence at least {LEAST_FRAMES}; "
                "put the frames of each sequence into a folder of its own"
            )
        frames = []
        for sample in samples:
            image = export.decode(sample.read(), name=sample.name)
            frames.append(np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR), np.uint8))
            advance(1)
        names.append(place)
        labels.append(dataset.classes[samples[0].label])
        vectors.append(lbp_top(np.stack(frames)))
    columns = tuple(f"lbp-top_{place}" for place in range(len(vectors[0])))
    return FeatureTable(names=tuple(names), labels=tuple(labels), columns=columns, vectors=np.stack(vectors))
