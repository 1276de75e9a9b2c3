"""Encoded image -> RGB pixels of the classifier's size, as the training transforms see them.

Runs inside Triton's python backend: it imports numpy, Pillow and, where they are installed, simplejpeg and
cykooz-resizer, which give the same pixels sooner. The definition (sizes, interpolation, limits) is the release's
`preprocessing.json`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, PngImagePlugin

from . import resampling, turbo
from .bounded import BoundedBytes, TooManyReadsError
from .jpeg import has_more_scans

# A JPEG is decoded at a reduced DCT scale only while it stays this many times larger than the resize
# asks for: what the resampling filter then loses is below the parity gate's tolerance.
_DRAFT_MARGIN = 2

# Pillow reads headers piece by piece in Python, so bytes that fall into millions of pieces would keep it busy for
# minutes. Photographs take some 50 reads, with colour profiles and edits in their metadata hundreds.
_HEADER_READS = 2_000
_READS = 100_000  # A PNG's pixels come in chunks, too: 20 MB are 10,000 reads where chunks have the usual 8 KiB.

# A progressive JPEG goes over its picture some ten times. A pass of 50 megapixels takes 30 ms even where it says
# nothing, and costs the sender 20 bytes.
_MAX_SCANS = 100
_MAX_SCANNED_PIXELS = 750_000_000

_JPEGS = {"JPEG", "MPO"}  # Pillow's names; MPO is a JPEG with further pictures behind the first
_JPEG_MODES = {"RGB", "L"}  # CMYK's colours are the decoder's own

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> what makes the stored picture stand upright (EXIF 2.32, tag 0x0112)."""

# The size is checked against the release's own limit, from the header, before any pixel is decoded.
Image.MAX_IMAGE_PIXELS = None

# Notes in a PNG are unpacked before its size is known. Pillow accepts 64 MiB of them, 64 KiB when packed.
PngImagePlugin.MAX_TEXT_MEMORY = 8 * 2**20


CODES: Final = ("corrupt_image", "empty_image", "image_too_large", "not_an_image")
"""Of the images that are rejected."""


class ImageRejectedError(Exception):
    """An image that cannot be classified: `code` is one word for programs, `message` one line for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {' '.join(message.split())}")
        self.code = code


@dataclass(frozen=True, slots=True)
class ImagePipeline:
    """Decode, resize the shorter side, cut out the centre."""

    resize: int  # pixels of the shorter side after resizing
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
        limits = definition["limits"]
        return cls(
            resize=definition["resize"],
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
        image = self.header(body)
        try:
            picture = self._decode(body, image)
        except MemoryError:  # the server's trouble, not the image's
            raise
        except Exception as error:  # decoders raise whatever the damaged bytes lead them to
            message = f"the {image.format} data is damaged or truncated: {error}"
            raise ImageRejectedError("corrupt_image", message) from error
        del image  # else it keeps the pixels that `picture` was converted from
        box = resampling.crop_box(resampling.size_of(picture), resize=self.resize, crop=self.crop)
        return resampling.resample(picture, box, side=self.crop, interpolation=self.interpolation)

    def header(self, body: bytes) -> Image.Image:
        """One image with its header read and the limits checked, not a pixel decoded.

        Raises:
            ImageRejectedError: `body` is empty, too large, or of no accepted format.
        """
        if not body:
            raise ImageRejectedError("empty_image", "the image has 0 bytes")
        if len(body) > self.max_bytes:
            raise ImageRejectedError("image_too_large", f"{len(body)} bytes, at most {self.max_bytes} are accepted")
        source = BoundedBytes(body, reads=_HEADER_READS)
        try:
            image = Image.open(source, formats=self.formats)
        except TooManyReadsError as error:
            raise ImageRejectedError("corrupt_image", f"the header cannot be read: {error}") from error
        except Exception as error:  # as above: a header can be damaged, too
            accepted = ", ".join(self.formats)
            raise ImageRejectedError("not_an_image", f"the {len(body)} bytes are none of {accepted}") from error
        width, height = image.size
        if width * height > self.max_pixels:
            message = f"{width}x{height} pixels, at most {self.max_pixels} are accepted"
            raise ImageRejectedError("image_too_large", message)
        most = min(_MAX_SCANS, max(1, _MAX_SCANNED_PIXELS // (width * height)))
        if image.format in _JPEGS and has_more_scans(body, most):
            message = f"more than {most} scans of {width}x{height} pixels, at most {most} are accepted"
            raise ImageRejectedError("image_too_large", message)
        source.reads_left = _READS
        return image

    def _decode(self, body: bytes, image: Image.Image) -> resampling.Picture:
        """All of the picture, upright, RGB; a large JPEG at a reduced scale."""
        size = image.size
        image.draft(None, self._draft_size(size))
        pixels = None
        if image.format in _JPEGS and image.mode in _JPEG_MODES:
            pixels = turbo.decode(body, size=size, reduced=image.size)
        if pixels is None:
            image.load()
        turn = _turn(image)  # a PNG has its EXIF behind its pixels
        if pixels is None:
            return _rgb(image if turn is None else image.transpose(turn))
        return pixels if turn is None else Image.fromarray(pixels).transpose(turn)

    def _draft_size(self, size: tuple[int, int]) -> tuple[int, int]:
        scale = _DRAFT_MARGIN * self.resize / min(size)
        return (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What the EXIF orientation asks for; nothing where the EXIF cannot be read."""
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # whatever odd metadata leads Pillow to: the pixels are good
        return None


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image  # Pillow would copy it
    if image.mode.startswith("I"):  # 16 bits a pixel: Pillow's own conversion would cut off at 255
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")
