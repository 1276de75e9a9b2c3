"""Encoded images, small, as data URLs."""

import base64
from io import BytesIO

from PIL import Image

from triptych_ops import export

_SIDE = 96  # pixels of the longer side


def thumbnail(content: bytes, *, name: str) -> str:
    """A PNG no larger than 96 x 96; what is smaller is enlarged without smoothing, so that its pixels are seen.

    Raises:
        RefusedError: the image cannot be decoded.
    """
    image = export.decode(content, name=name)
    factor = _SIDE / max(image.size)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    resampling = Image.Resampling.NEAREST if factor > 1 else Image.Resampling.LANCZOS
    encoded = BytesIO()
    image.resize(size, resampling).save(encoded, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(encoded.getvalue()).decode("ascii")
