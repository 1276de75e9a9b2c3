"""Pictures of any size, made from the SDK's built-in photograph; the same in every run."""

import functools
import io
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from triptych import health, image_formats
from triptych.image_formats import PNG, ImageFormat

FORMATS: Final = {each.name.lower(): each for each in image_formats.FORMATS}
_OPTIONS: Final[Mapping[ImageFormat, Mapping[str, Any]]] = {PNG: {"compress_level": 6}}  # those of Pillow's encoder
_QUALITY: Final[Mapping[str, Any]] = {"quality": 90}  # of the others

_GRAIN = 3.0  # standard deviation, of 255: an enlarged photograph alone has fewer bytes than a camera's
_TILE = 500  # pixels


@functools.cache
def made(kind: str, width: int, height: int) -> bytes:
    """An encoded picture of so many pixels: the photograph, scaled, with a camera's grain."""
    from PIL import Image, ImageOps

    from triptych.inputs.pillow_pixels import rgb

    with Image.open(io.BytesIO(health.image())) as file:
        scaled = ImageOps.fit(rgb(file), (width, height), Image.Resampling.BICUBIC)
    pixels = np.asarray(scaled, dtype=np.int16)  # (H, W, 3)
    grain = np.random.default_rng(0).normal(0.0, _GRAIN, (_TILE, _TILE)).round().astype(np.int16)
    repeated = np.tile(grain, (-(-height // _TILE), -(-width // _TILE)))[:height, :width, None]  # (H, W, 1)
    buffer = io.BytesIO()
    Image.fromarray((pixels + repeated).clip(0, 255).astype(np.uint8)).save(
        buffer, FORMATS[kind].pillow, **_OPTIONS.get(FORMATS[kind], _QUALITY)
    )
    return buffer.getvalue()
