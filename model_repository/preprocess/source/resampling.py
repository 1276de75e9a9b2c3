"""A part of a decoded picture -> a square of the classifier's size, as Pillow resamples.

fast_image_resize (the package cykooz-resizer) does it in a quarter of Pillow's time: Pillow's own filters in SIMD, with
coefficients of 16 bits, so that of a photograph's values one in 300 differs, by 1. Without it Pillow does it.
"""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

try:
    import cykooz_resizer
except ImportError:
    cykooz_resizer = None

Picture = Image.Image | NDArray[np.uint8]
"""RGB: an image of Pillow's, or (height, width, 3) uint8."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels of the picture."""

Resize = int | tuple[int, int]
"""Pixels of the shorter side, or the exact (height, width)."""

INTERPOLATIONS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
FAST = cykooz_resizer is not None

# Pillow's bicubic has a = -0.5, which is Catmull-Rom's.
_FILTERS = {"bilinear": "bilinear", "bicubic": "catmull_rom", "lanczos": "lanczos3"}
_REACH = 3  # source pixels beside a point that the widest filter, Lanczos, looks at where it does not shrink


@dataclass(frozen=True, slots=True)
class Pass:
    """Resampling along one axis: `box` of the picture before it becomes all of (width, height)."""

    size: tuple[int, int]
    box: Box


@dataclass(frozen=True, slots=True)
class Plan:
    """Which pixels to take, and what to make of them."""

    part: tuple[int, int, int, int]  # left, top, right, bottom: all that the passes look at
    passes: tuple[Pass, Pass]


def crop_box(size: tuple[int, int], *, resize: Resize, crop: int) -> Box:
    """The part of an image, in its own pixels, that is left after resizing and centre cropping.

    Resampling this box straight to (crop, crop) samples the same places as resizing the whole image and
    cropping, for a fraction of the work; the pixels differ by rounding alone. The sizes are rounded as
    torchvision's `Resize` and `CenterCrop` round them.
    """
    resized = _resized(size, resize)
    start = tuple(round((side - crop) / 2) for side in resized)
    x, y = (original / side for original, side in zip(size, resized, strict=True))
    return (start[0] * x, start[1] * y, (start[0] + crop) * x, (start[1] + crop) * y)


def plan(size: tuple[int, int], box: Box, side: int) -> Plan:
    """How to make (side, side) of the part `box` of a picture, as in the whole picture resized and then cut.

    One axis at a time, in the order that Pillow takes for the whole picture: for a part it may choose the
    other one, and since each order rounds in between, pixels would differ by up to 20.
    """
    whole_width, whole_height = (
        round(length * side / (end - start))
        for length, start, end in ((size[0], box[0], box[2]), (size[1], box[1], box[3]))
    )
    first_x, last_x = _span(box[0], box[2], side, size[0])
    first_y, last_y = _span(box[1], box[3], side, size[1])
    width, height = last_x - first_x, last_y - first_y
    left, right, top, bottom = box[0] - first_x, box[2] - first_x, box[1] - first_y, box[3] - first_y
    # Rows first where the height loses more than twice as many pixels as the width, as Pillow 13 does.
    if size[1] - whole_height > max(0, 2 * (size[0] - whole_width)):
        passes = Pass((width, side), (0, top, width, bottom)), Pass((side, side), (left, 0, right, side))
    else:
        passes = Pass((side, height), (left, 0, right, height)), Pass((side, side), (0, top, side, bottom))
    return Plan((first_x, first_y, last_x, last_y), passes)


def resample(picture: Picture, box: Box, *, side: int, interpolation: str) -> NDArray[np.uint8]:
    """The part `box` of a picture as (side, side, 3)."""
    return _RESAMPLE(picture, box, side, interpolation)


def _resized(size: tuple[int, int], resize: Resize) -> tuple[int, int]:
    """The width and height of the whole image after resizing."""
    if not isinstance(resize, int):
        return resize[1], resize[0]
    shorter = min(size)
    width, height = (resize if side == shorter else int(resize * side / shorter) for side in size)
    return width, height


def size_of(picture: Picture) -> tuple[int, int]:
    """Width and height."""
    return picture.size if isinstance(picture, Image.Image) else (picture.shape[1], picture.shape[0])


def _span(start: float, end: float, side: int, length: int) -> tuple[int, int]:
    """The source pixels of one axis that resampling `start` to `end` to `side` pixels looks at, at least."""
    reach = math.ceil(_REACH * max(1.0, (end - start) / side))
    return max(0, math.floor(start) - reach), min(length, math.ceil(end) + reach)


def by_pillow(picture: Picture, box: Box, side: int, interpolation: str) -> NDArray[np.uint8]:
    """As `resample`, by Pillow."""
    planned = plan(size_of(picture), box, side)
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image = image.crop(planned.part)
    for step in planned.passes:
        image = image.resize(step.size, INTERPOLATIONS[interpolation], box=step.box)
    return np.asarray(image)


def by_cykooz(picture: Picture, box: Box, side: int, interpolation: str) -> NDArray[np.uint8]:
    """As `resample`, by fast_image_resize, which lets go of the interpreter lock."""
    planned = plan(size_of(picture), box, side)
    left, top, right, bottom = planned.part
    size = right - left, bottom - top
    image = cykooz_resizer.ImageData(*size, cykooz_resizer.PixelType.U8x3, _cut(picture, planned.part))
    for step in planned.passes:
        resized = cykooz_resizer.ImageData(*step.size, cykooz_resizer.PixelType.U8x3)
        _resizer().resize(image, resized, _options(interpolation, _inside(step.box, size)))
        image, size = resized, step.size
    return np.frombuffer(image.get_buffer(), dtype=np.uint8).reshape(side, side, 3)


def _cut(picture: Picture, part: tuple[int, int, int, int]) -> bytes:
    """The values of a part, row by row."""
    if isinstance(picture, Image.Image):
        return picture.crop(part).tobytes()
    left, top, right, bottom = part
    rows = picture.reshape(picture.shape[0], -1)  # (H, W, 3) -> (H, 3 W): copying pixel by pixel takes a millisecond
    return np.ascontiguousarray(rows[top:bottom, 3 * left : 3 * right]).tobytes()


def _options(interpolation: str, box: Box) -> Any:
    filter_type = cykooz_resizer.FilterType[_FILTERS[interpolation]]
    algorithm = cykooz_resizer.ResizeAlg.convolution(filter_type)
    left, top, right, bottom = box
    crop = cykooz_resizer.CropBox(left, top, _length(left, right), _length(top, bottom))
    return cykooz_resizer.ResizeOptions(resize_alg=algorithm, use_alpha=False, crop_box=crop)


def _inside(box: Box, size: tuple[int, int]) -> Box:
    """The box without what rounding made it stick out; the resizer would refuse it."""
    return (max(box[0], 0.0), max(box[1], 0.0), min(box[2], size[0]), min(box[3], size[1]))


def _length(start: float, end: float) -> float:
    """The difference, rounded so that start + length is not beyond `end`."""
    length = end - start
    return length if start + length <= end else math.nextafter(length, 0.0)


_local = threading.local()


def _resizer() -> Any:
    """The thread's own: one resizer makes others wait for it."""
    if not hasattr(_local, "resizer"):
        _local.resizer = cykooz_resizer.Resizer()
    return _local.resizer


_RESAMPLE: Callable[[Picture, Box, int, str], NDArray[np.uint8]] = by_cykooz if FAST else by_pillow
