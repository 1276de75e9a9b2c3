"""Encoded image -> RGB pixels of the whole image, upright: the one definition of decoding.

The server runs it as a part of the model `preprocess`; data check, training, evaluation, the torch reference,
calibration and the build's gate load this same file through `triptych_ops.decoding`. The rule: the EXIF orientation
is applied, of several frames the first is taken, and pixels become RGB as `pillow_pixels` says. Data that is damaged
or cut off is refused, whatever the process has set in Pillow.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PIL import Image, PngImagePlugin

from . import turbo
from .bounded import BoundedBytes, TooManyReadsError
from .jpeg import has_more_scans
from .pillow_pixels import UnrepresentableError, orientation, rgb, strictly
from .resampling import Picture

# Pillow reads headers piece by piece in Python, so bytes that fall into millions of pieces would keep it busy for
# minutes. Photographs take some 50 reads, with colour profiles and edits in their metadata hundreds.
_HEADER_READS = 2_000
_READS = 100_000  # A PNG's pixels come in chunks, too: 20 MB are 10,000 reads where chunks have the usual 8 KiB.

# A progressive JPEG goes over its picture some ten times. A pass of 50 megapixels takes 30 ms even where it says
# nothing, and costs the sender 20 bytes.
_MAX_SCANS = 100
_MAX_SCANNED_PIXELS = 750_000_000

JPEGS: Final = frozenset({"JPEG", "MPO"})
"""Pillow's names of JPEGs; MPO is a JPEG with further images behind the first."""

JPEG_MODES: Final = frozenset({"RGB", "L"})
"""Modes of JPEGs that every decoder decodes alike: CMYK's colours are each decoder's own."""

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
class ImageDecoder:
    """Decodes images that keep a release's limits."""

    formats: tuple[str, ...]  # Pillow's names of the formats that may be decoded
    max_bytes: int
    max_pixels: int

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
            with strictly():
                image = Image.open(source, formats=self.formats)
        except TooManyReadsError as error:
            raise ImageRejectedError("corrupt_image", f"the header cannot be read: {error}") from error
        except Exception as error:  # as below: a header can be damaged, too
            accepted = ", ".join(self.formats)
            raise ImageRejectedError("not_an_image", f"the {len(body)} bytes are none of {accepted}") from error
        width, height = image.size
        if width * height > self.max_pixels:
            message = f"{width}x{height} pixels, at most {self.max_pixels} are accepted"
            raise ImageRejectedError("image_too_large", message)
        most = min(_MAX_SCANS, max(1, _MAX_SCANNED_PIXELS // (width * height)))
        if image.format in JPEGS and has_more_scans(body, most):
            message = f"more than {most} scans of {width}x{height} pixels, at most {most} are accepted"
            raise ImageRejectedError("image_too_large", message)
        source.reads_left = _READS
        return image

    def decode(self, body: bytes, *, reduced: Callable[[tuple[int, int]], tuple[int, int]] | None = None) -> Picture:
        """All of an image, upright, RGB.

        reduced: gives, for the width and height of a JPEG, those that it may be decoded at; it is then decoded at the
                 smallest DCT scale that is no smaller. None: every image is decoded in full.

        Raises:
            ImageRejectedError: `body` is no image that is accepted.
        """
        image = self.header(body)
        try:
            with strictly():
                return _decoded(body, image, reduced(image.size) if reduced else None)
        except MemoryError:  # the server's trouble, not the image's
            raise
        except UnrepresentableError as error:
            raise ImageRejectedError("not_an_image", str(error)) from error
        except Exception as error:  # decoders raise whatever the damaged bytes lead them to
            message = f"the {image.format} data is damaged or truncated: {error}"
            raise ImageRejectedError("corrupt_image", message) from error


def _decoded(body: bytes, image: Image.Image, reduced: tuple[int, int] | None) -> Picture:
    size = image.size
    if reduced is not None:
        image.draft(None, reduced)
    pixels = None
    if image.format in JPEGS and image.mode in JPEG_MODES:
        pixels = turbo.decode(body, size=size, reduced=image.size)
    if pixels is None:
        image.load()
    turn = _TURNS.get(orientation(image))  # a PNG has its EXIF behind its pixels
    if turn is None:
        return rgb(image) if pixels is None else pixels
    upright = (image if pixels is None else Image.fromarray(pixels)).transpose(turn)
    upright.info.clear()  # with the orientation, which is applied
    return rgb(upright)
