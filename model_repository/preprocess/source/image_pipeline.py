"""Encoded image -> RGB pixels of the classifier's size, as the training transforms see them.

Runs inside Triton's python backend: it imports numpy and Pillow, nothing of ours.
The definition (sizes, interpolation, limits) is the release's `preprocessing.json`.
"""

import io
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

_INTERPOLATIONS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}

# A JPEG is decoded at a reduced DCT scale only while it stays this many times larger than the resize
# asks for: what the resampling filter then loses is below the parity gate's tolerance.
_DRAFT_MARGIN = 2

_REACH = 2  # source pixels beside a point that bicubic resampling looks at, where it does not shrink

# The size is checked against the release's own limit, from the header, before any pixel is decoded.
Image.MAX_IMAGE_PIXELS = None


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
        if self.interpolation not in _INTERPOLATIONS:
            raise ValueError(f"interpolation {self.interpolation!r} is none of {', '.join(_INTERPOLATIONS)}")

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
            image.draft(None, self._draft_size(image.size))
            image.load()
            upright = _rgb(_upright(image))
        except MemoryError:  # the server's trouble, not the image's
            raise
        except Exception as error:  # decoders raise whatever the damaged bytes lead them to
            message = f"the {image.format} data is damaged or truncated: {error}"
            raise ImageRejectedError("corrupt_image", message) from error
        box = crop_box(upright.size, resize=self.resize, crop=self.crop)
        return np.asarray(_resample(upright, self.crop, _INTERPOLATIONS[self.interpolation], box))

    def header(self, body: bytes) -> Image.Image:
        """One image with its header read and the limits checked, not a pixel decoded.

        Raises:
            ImageRejectedError: `body` is empty, too large, or of no accepted format.
        """
        if not body:
            raise ImageRejectedError("empty_image", "the image has 0 bytes")
        if len(body) > self.max_bytes:
            raise ImageRejectedError("image_too_large", f"{len(body)} bytes, at most {self.max_bytes} are accepted")
        try:
            image = Image.open(io.BytesIO(body), formats=self.formats)
        except Exception as error:  # as above: a header can be damaged, too
            accepted = ", ".join(self.formats)
            raise ImageRejectedError("not_an_image", f"the {len(body)} bytes are none of {accepted}") from error
        width, height = image.size
        if width * height > self.max_pixels:
            message = f"{width}x{height} pixels, at most {self.max_pixels} are accepted"
            raise ImageRejectedError("image_too_large", message)
        return image

    def _draft_size(self, size: tuple[int, int]) -> tuple[int, int]:
        scale = _DRAFT_MARGIN * self.resize / min(size)
        return (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))


def _upright(image: Image.Image) -> Image.Image:
    """The image turned as its EXIF orientation says; as it is where the EXIF cannot be read."""
    try:
        if image.getexif().get(ExifTags.Base.Orientation, 1) == 1:
            return image  # nearly always; `exif_transpose` would copy it
        return ImageOps.exif_transpose(image)
    except Exception:  # whatever odd metadata leads Pillow to: the pixels are good
        return image


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image  # Pillow would copy it
    if image.mode.startswith("I"):  # 16 bits a pixel: Pillow's own conversion would cut off at 255
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")


def _resample(
    image: Image.Image, side: int, interpolation: Image.Resampling, box: tuple[float, float, float, float]
) -> Image.Image:
    """The part `box` of an image at (side, side), to the pixel as in the whole image resized and then cut.

    One axis at a time, in the order that Pillow takes for the whole image: for a part it may choose the
    other one, and since each order rounds in between, pixels would differ by up to 20.
    """
    left, top, right, bottom = box
    if image.height > 2 * image.width and bottom - top > side:  # rows first, as Pillow 13 shrinks tall images
        first, last = _span(left, right, side, image.width)
        strip = image.crop((first, 0, last, image.height))
        rows = strip.resize((strip.width, side), interpolation, box=(0, top, strip.width, bottom))
        return rows.resize((side, side), interpolation, box=(left - first, 0, right - first, side))
    first, last = _span(top, bottom, side, image.height)
    strip = image.crop((0, first, image.width, last))
    columns = strip.resize((side, strip.height), interpolation, box=(left, 0, right, strip.height))
    return columns.resize((side, side), interpolation, box=(0, top - first, side, bottom - first))


def _span(start: float, end: float, side: int, length: int) -> tuple[int, int]:
    """The source pixels of one axis that resampling `start` to `end` to `side` pixels looks at, at least."""
    reach = math.ceil(_REACH * max(1.0, (end - start) / side))
    return max(0, math.floor(start) - reach), min(length, math.ceil(end) + reach)


def crop_box(size: tuple[int, int], *, resize: int, crop: int) -> tuple[float, float, float, float]:
    """The part of an image, in its own pixels, that is left after resizing and centre cropping.

    Resampling this box straight to (crop, crop) samples the same places as resizing the whole image and
    cropping, for a fraction of the work; the pixels differ by rounding alone. The sizes are rounded as
    torchvision's `Resize` and `CenterCrop` round them.
    """
    shorter = min(size)
    resized = tuple(resize if side == shorter else int(resize * side / shorter) for side in size)
    start = tuple(round((side - crop) / 2) for side in resized)
    x, y = (original / side for original, side in zip(size, resized, strict=True))
    return (start[0] * x, start[1] * y, (start[0] + crop) * x, (start[1] + crop) * y)
