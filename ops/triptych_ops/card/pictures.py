"""The bundled photographs as a card shows them: found by their digest, small, inside the document."""

import base64
from dataclasses import dataclass
from functools import cache
from io import BytesIO

from triptych.image_formats import JPEG
from triptych_ops.decoding import decode
from triptych_ops.photographs import PHOTOGRAPHS, Photograph
from triptych_ops.release import digest

_SIDE = 480  # pixels of the longer side: sharp at the card's 240 on a display of twice the density
_QUALITY = 80


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small JPEG."""

    uri: str  # data:
    width: int  # pixels, as height
    height: int


@cache
def _photographs() -> dict[str, Photograph]:
    return {digest(photograph.path).sha256: photograph for photograph in PHOTOGRAPHS}


def credit_of() -> dict[str, str]:
    """Who made each bundled photograph, by its SHA-256."""
    return {sha256: photograph.credit for sha256, photograph in _photographs().items()}


@cache
def thumbnail(sha256: str) -> Thumbnail | None:
    """Of the bundled photograph whose file has this digest; None where none has."""
    photograph = _photographs().get(sha256)
    if photograph is None:
        return None
    encoded = BytesIO()
    image = decode(photograph.path.read_bytes())
    image.thumbnail((_SIDE, _SIDE))
    image.save(encoded, JPEG.pillow, quality=_QUALITY, optimize=True)
    text = base64.b64encode(encoded.getvalue()).decode("ascii")
    return Thumbnail(f"data:{JPEG.mime_type};base64,{text}", image.width, image.height)
