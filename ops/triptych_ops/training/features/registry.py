"""Descriptors by their names."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .colour import colour_moments, hsv_histogram
from .shape import hog, hu_moments
from .texture import lbp

Descriptor: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.float64]]

DESCRIPTORS: Mapping[str, Descriptor] = MappingProxyType(
    {"hsv-histogram": hsv_histogram, "colour-moments": colour_moments, "lbp": lbp, "hu-moments": hu_moments, "hog": hog}
)
"""Name -> (H, W, 3) uint8 RGB -> (D,)."""

SIDE = 64  # pixels: so that vectors of all images have one length, and mean one scale


def describe(image: Image.Image, names: Sequence[str]) -> NDArray[np.float64]:  # -> (D,)
    """The named descriptors of an image in RGB, one after the other; it is scaled to 64 x 64 pixels, whatever its form.

    Raises:
        KeyError: a name is of no descriptor.
    """
    resized = image if image.size == (SIDE, SIDE) else image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    pixels = np.asarray(resized, np.uint8)  # (64, 64, 3)
    return np.concatenate([DESCRIPTORS[name](pixels) for name in names])
