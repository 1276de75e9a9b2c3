"""The images that are sent: made from photographs, the same in every run."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from triptych import image_formats
from triptych.inputs.pillow_pixels import rgb

PHOTOGRAPHS = Path(__file__).parents[2] / "ops" / "triptych_ops" / "photographs"
"""The checkout's bundled photographs."""

_TYPICAL = (500, 375)  # pixels; what most of ImageNet measures
_CAMERA = (4000, 3000)  # 12 megapixels
_QUALITY = 90
_GRAIN = 3.0  # standard deviation, of 255: an enlarged photograph alone has fewer bytes than a camera's
_GRAIN_TILE = (500, 500)


def typical(folder: Path = PHOTOGRAPHS) -> list[bytes]:
    """Each photograph of `folder` as a JPEG of 500x375 pixels, in the order of their names."""
    return [_jpeg(_fitted(path, _TYPICAL)) for path in sorted(folder.iterdir()) if image_formats.has_suffix(path)]


def twelve_megapixels(folder: Path = PHOTOGRAPHS) -> bytes:
    """A photograph as a camera makes it: 4000x3000 pixels, grain, some megabytes."""
    enlarged = np.asarray(_fitted(folder / "coffee.png", _CAMERA), dtype=np.int16)  # (H, W, 3)
    tile = np.random.default_rng(0).normal(0.0, _GRAIN, _GRAIN_TILE).round().astype(np.int16)
    repeats = [length // side for length, side in zip(enlarged.shape, _GRAIN_TILE, strict=False)]
    grain = np.tile(tile, repeats)[..., None]  # (H, W, 1): as bright in each colour
    return _jpeg(Image.fromarray((enlarged + grain).clip(0, 255).astype(np.uint8)))


def _fitted(path: Path, size: tuple[int, int]) -> Image.Image:
    with Image.open(path) as file:
        return ImageOps.fit(rgb(file), size, Image.Resampling.BICUBIC)


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
