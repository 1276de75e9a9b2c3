"""Encoded images -> whole RGB images, by the decoder that releases run: see `decoding.py` of the model `preprocess`.

Everything that looks at pixels outside of the server decodes here: data check, training, evaluation, the torch
reference, calibration, the build's gate, cards and reports.
"""

import warnings
from functools import cache
from typing import TYPE_CHECKING, Final

from PIL import Image

from .preprocessing import ImageLimits

if TYPE_CHECKING:
    from model_repository.preprocess.source.decoding import ImageDecoder, ImageRejectedError
else:
    from .preprocess_source.decoding import ImageDecoder, ImageRejectedError

__all__ = ["ImageDecoder", "ImageRejectedError", "decode"]

# Pillow warns of odd metadata, which does not touch the pixels; and threads that decode share one list of filters.
warnings.filterwarnings("ignore", module=r"PIL\.")

_USUAL: Final = ImageLimits()


def decode(body: bytes, *, limits: ImageLimits = _USUAL) -> Image.Image:
    """Return the whole of an encoded image in RGB, upright.

    Raises:
        ImageRejectedError: a server with these limits refuses the image; the message is the server's.
    """
    picture = _decoder(tuple(limits.formats), limits.max_bytes, limits.max_pixels).decode(body)
    return picture if isinstance(picture, Image.Image) else Image.fromarray(picture)


@cache
def _decoder(formats: tuple[str, ...], max_bytes: int, max_pixels: int) -> ImageDecoder:
    return ImageDecoder(formats, max_bytes, max_pixels)
