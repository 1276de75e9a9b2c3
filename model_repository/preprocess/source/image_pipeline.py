"""Encoded image -> RGB pixels of the classifier's size, as the training transforms see them.

Runs inside Triton's python backend: it imports numpy, Pillow and, where they are installed, simplejpeg and
cykooz-resizer, which give the same pixels sooner. The definition (sizes, interpolation, limits) is the release's
`preprocessing.json`.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import resampling
from .decoding import ImageDecoder, ImageRejectedError

__all__ = ["ImagePipeline", "ImageRejectedError"]

# A JPEG is decoded at a reduced DCT scale only while it stays this many times larger than the resize
# asks for: what the resampling filter then loses is below the parity gate's tolerance.
_DRAFT_MARGIN = 2


@dataclass(frozen=True, slots=True)
class ImagePipeline:
    """Decode, resize, cut out the centre."""

    resize: resampling.Resize  # pixels of the shorter side after resizing, or the exact (height, width)
    crop: int  # pixels of each side of the centre crop
    interpolation: str
    formats: tuple[str, ...]  # Pillow's names of the formats that may be decoded
    max_bytes: int
    max_pixels: int

    def __post_init__(self) -> None:
        if self.interpolation not in resampling.INTERPOLATIONS:
            raise ValueError(f"interpolation {self.interpolation!r} is none of {', '.join(resampling.INTERPOLATIONS)}")

    @classmethod
    def from_file(cls, path: Path) -> "ImagePipeline":
        """The pipeline that `preprocessing.json` of a release defines."""
        definition = json.loads(path.read_text(encoding="utf-8"))
        limits, resize = definition["limits"], definition["resize"]
        return cls(
            resize=tuple(resize) if isinstance(resize, list) else resize,
            crop=definition["crop"],
            interpolation=definition["interpolation"],
            formats=tuple(limits["formats"]),
            max_bytes=limits["max_bytes"],
            max_pixels=limits["max_pixels"],
        )

    def pixels(self, body: bytes) -> NDArray[np.uint8]:  # -> (crop, crop, 3) uint8, RGB
        """Decode one image.

        Raises:
            ImageRejectedError: `body` is no image that this release accepts.
        """
        picture = self.decoder.decode(body, reduced=self._draft_size)
        box = resampling.crop_box(resampling.size_of(picture), resize=self.resize, crop=self.crop)
        return resampling.resample(picture, box, side=self.crop, interpolation=self.interpolation)

    @property
    def decoder(self) -> ImageDecoder:
        """What decodes, within the release's limits."""
        return ImageDecoder(self.formats, self.max_bytes, self.max_pixels)

    def header(self, body: bytes) -> Image.Image:
        """As `ImageDecoder.header`."""
        return self.decoder.header(body)

    def _draft_size(self, size: tuple[int, int]) -> tuple[int, int]:
        if not isinstance(self.resize, int):  # both sides by the larger one: the picture may yet be turned
            return (_DRAFT_MARGIN * max(self.resize),) * 2
        scale = _DRAFT_MARGIN * self.resize / min(size)
        return (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
