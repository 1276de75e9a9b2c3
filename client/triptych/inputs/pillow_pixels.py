"""Pillow image -> RGB pixels by the one rule of the project. Needs Pillow, and nothing of ours.

The rule: alpha is dropped, an ICC profile is ignored, 16-bit values are taken by their upper byte, and palettes, CMYK
and all else become RGB as Pillow converts them. What has no 8-bit or 16-bit range cannot be represented and is refused.
The EXIF orientation is applied to files alone: the pixels of an image in memory are what they are.

This file is a part of each release as well: the source of `preprocess` links to it, so that the server, the tooling and
the SDK share one definition.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

import numpy as np
from PIL import ExifTags, Image, ImageFile

UPRIGHT: Final = 1
"""The EXIF orientation of an image that stands upright as it is stored (EXIF 2.32, tag 0x0112)."""

_MOST_16_BIT: Final = 65_535
_MOST_8_BIT: Final = 255


class UnrepresentableError(ValueError):
    """The image's pixels have no RGB value by the rule; the message says why, and what to do."""


def rgb(image: Image.Image) -> Image.Image:
    """Return an image's pixels in mode RGB: the image itself where it has that mode.

    Modes I;16, I;16B, I;16L and I;16N hold 16-bit values; their upper byte is taken. Mode I holds 32 bits: where all
    values are within 0 to 65,535 it is taken for 16-bit, too, as Pillow itself reads and computes 16-bit images in it.

    Raises:
        UnrepresentableError: it is of mode F; or of mode I with values outside of 16 bits, or, which would all become
            black, within 8 bits; or Pillow cannot convert its mode.
    """
    if image.mode == "RGB":
        return image  # Pillow would copy it
    if image.mode == "F":
        raise UnrepresentableError("pixels of mode F have no range of their own; convert the image to mode L or RGB")
    if image.mode == "I" or image.mode.startswith("I;16"):
        return _upper_bytes(image).convert("RGB")
    if "transparency" in image.info:  # of a palette, or one colour: dropped as alpha is; Pillow would warn of it
        image = image.copy()
        del image.info["transparency"]
    try:
        return image.convert("RGB")
    except ValueError as error:
        raise UnrepresentableError(
            f"pixels of mode {image.mode} cannot be converted to RGB by Pillow; convert the image to mode RGB"
        ) from error


def _upper_bytes(image: Image.Image) -> Image.Image:
    """Return an image of mode L with the upper byte of each 16-bit value."""
    values = np.asarray(image)  # (H, W) integers
    if image.mode == "I":
        least, most = int(values.min(initial=0)), int(values.max(initial=0))
        if least < 0 or most > _MOST_16_BIT:
            raise UnrepresentableError(
                f"pixels of mode I from {least} to {most} do not fit into 16 bits; convert the image to mode L or RGB"
            )
        if 0 < most <= _MOST_8_BIT:
            raise UnrepresentableError(
                f"pixels of mode I up to {most} may be 8-bit or 16-bit values; convert the image to mode L or I;16"
            )
    return Image.fromarray((values >> 8).astype(np.uint8))


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation of an image file, 1 to 8; 1 where it is absent or cannot be read."""
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, UPRIGHT)
    except Exception:  # whatever odd metadata leads Pillow to: the pixels are good
        return UPRIGHT
    return found if isinstance(found, int) and 1 <= found <= 8 else UPRIGHT


_FLAG: Final = "LOAD_TRUNCATED_IMAGES"


@contextmanager
def strictly() -> Iterator[None]:
    """While this is entered, Pillow refuses damaged images in this thread, whatever `LOAD_TRUNCATED_IMAGES` says.

    Pillow reads that global of `PIL.ImageFile` in the midst of decoding, and where a process has set it, half an image
    is decoded without an error. Other threads see what the process has set, before, during and after.
    """
    threads = _strict_threads()
    before = getattr(threads, "strict", False)
    threads.strict = True
    try:
        yield
    finally:
        threads.strict = before


class _Tolerance:
    """The value of the global: true where the process has set it and this thread is not strict."""

    def __init__(self, chosen: Any) -> None:
        self.chosen = chosen
        self.threads = threading.local()

    def __bool__(self) -> bool:
        return not getattr(self.threads, "strict", False) and bool(self.chosen)


class _ImageFileModule(ModuleType):
    """The class of `PIL.ImageFile`: the module's own functions find a `_Tolerance`, everybody else the plain value."""

    @property
    def LOAD_TRUNCATED_IMAGES(self) -> Any:  # noqa: N802  Pillow's name
        tolerance = vars(self)[_FLAG]
        return False if tolerance.chosen and not tolerance else tolerance.chosen

    @LOAD_TRUNCATED_IMAGES.setter
    def LOAD_TRUNCATED_IMAGES(self, chosen: Any) -> None:  # noqa: N802
        vars(self)[_FLAG].chosen = chosen


def _strict_threads() -> threading.local:
    """Return which threads are strict, kept at `PIL.ImageFile` itself: a process may hold this file more than once."""
    names = vars(ImageFile)
    if not hasattr(names[_FLAG], "threads"):
        with names.setdefault("_triptych_lock", threading.Lock()):
            if not hasattr(names[_FLAG], "threads"):
                names[_FLAG] = _Tolerance(names[_FLAG])
                if not hasattr(type(ImageFile), _FLAG):
                    ImageFile.__class__ = _ImageFileModule
    threads: threading.local = names[_FLAG].threads
    return threads
