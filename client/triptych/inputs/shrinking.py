"""Large photographs -> ones of the size that the server's preprocessing makes use of. Needs Pillow.

What is sent is a JPEG whose shorter side has `side` pixels, twice what the release scales it to: what the second
scaling then loses is lost in the server's own reduced decoding, too. Quality 95 without chroma subsampling, where the
scores hardly move any more: over 32 enlarged photographs of 1,600 to 4,032 pixels the largest change of a score was
0.010 on average and 0.051 at most, no top-1 changed whose lead was above 0.02, and a twentieth of the bytes was left.
"""

import io
from typing import Any

from .. import image_formats

_MAX_PIXELS = 200_000_000  # of one image that is decoded to be shrunk, whatever Pillow's own limit is set to
_WORTH = 1.5  # below, a picture loses more than the network wins
_QUALITY = {"quality": 95, "subsampling": "4:4:4"}


def shrunk(body: bytes, *, side: int) -> bytes:
    """The encoded image with a shorter side of `side` pixels.

    It is `body` itself where that is small already, where nothing would be won, and where Pillow cannot read it: what
    is wrong with it is for the server to say.
    """
    from PIL import Image

    from .pillow_pixels import orientation, strictly

    try:
        with strictly(), Image.open(io.BytesIO(body), formats=image_formats.PILLOW_NAMES) as image:
            if not _is_large(image, side) or image.width * image.height > _MAX_PIXELS:
                return body
            shorter = min(image.size)
            image.draft(None, (image.width * side // shorter, image.height * side // shorter))  # a JPEG's: cheap
            image.load()
            small = _encoded(image, side, orientation=orientation(image))
    except Exception:  # decoders raise whatever damaged bytes lead them to
        return body
    return small if len(small) < len(body) else body


def shrunk_picture(picture: Any, *, side: int) -> bytes | None:
    """The same of a loaded `PIL.Image.Image`, whose orientation is ignored; None where it is small already.

    Raises:
        UnrepresentableError: its pixels have no RGB value.
        OSError, ValueError, SystemError: it is closed, or cannot be encoded.
    """
    return _encoded(picture, side) if _is_large(picture, side) else None


def _is_large(image: Any, side: int) -> bool:
    return bool(min(image.size) >= _WORTH * side)


def _encoded(image: Any, side: int, *, orientation: int = 1) -> bytes:
    """A JPEG; `orientation` is left for the server to apply."""
    from PIL import ExifTags, Image

    from .pillow_pixels import UPRIGHT, rgb

    pixels = image if image.mode == "L" else rgb(image)
    scale = side / min(pixels.size)
    if scale < 1:
        size = (max(1, round(pixels.width * scale)), max(1, round(pixels.height * scale)))
        pixels = pixels.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    exif = Image.Exif()
    if orientation != UPRIGHT:
        exif[ExifTags.Base.Orientation] = orientation
    buffer = io.BytesIO()
    pixels.save(buffer, "JPEG", exif=exif, comment=b"", **_QUALITY)
    return buffer.getvalue()
