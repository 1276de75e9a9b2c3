"""The image formats that Triptych reads, each with its names in one row of a table. Pure.

This is the only list of formats: the SDK, the tooling, the load tests and the gateway's page take suffixes, MIME types
and Pillow's names from here, and `triptych build` writes Pillow's names into the definition of a release's
preprocessing. A format that is added here is read everywhere, by releases that are built from then on.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFormat:
    """One format.

    name:      as people write it
    pillow:    the name by which Pillow knows it
    mime_type: of encoded images, as in `Content-Type`
    suffixes:  of files, in lower case with the dot; the first is the one that new files get
    magic:     byte strings and their offsets, all of which an encoded image has
    """

    name: str
    pillow: str
    mime_type: str
    suffixes: tuple[str, ...]
    magic: tuple[tuple[int, bytes], ...]

    @property
    def suffix(self) -> str:
        """The suffix that new files get."""
        return self.suffixes[0]

    def matches(self, head: bytes) -> bool:
        """Whether an encoded image begins as this format does."""
        return all(head[offset : offset + len(magic)] == magic for offset, magic in self.magic)


JPEG: Final = ImageFormat(
    name="JPEG",
    pillow="JPEG",
    mime_type="image/jpeg",
    suffixes=(".jpg", ".jpeg", ".jpe", ".jfif"),
    magic=((0, b"\xff\xd8\xff"),),
)
PNG: Final = ImageFormat(
    name="PNG", pillow="PNG", mime_type="image/png", suffixes=(".png",), magic=((0, b"\x89PNG\r\n\x1a\n"),)
)
WEBP: Final = ImageFormat(
    name="WebP", pillow="WEBP", mime_type="image/webp", suffixes=(".webp",), magic=((0, b"RIFF"), (8, b"WEBP"))
)

FORMATS: Final[tuple[ImageFormat, ...]] = (JPEG, PNG, WEBP)
"""All that are read, in the order in which messages list them."""

SUFFIXES: Final = frozenset(suffix for each in FORMATS for suffix in each.suffixes)
"""Suffixes of image files, in lower case."""

MIME_TYPES: Final = tuple(each.mime_type for each in FORMATS)
"""MIME types of images."""

PILLOW_NAMES: Final = tuple(each.pillow for each in FORMATS)
"""Names by which Pillow opens them."""


def listed(names: Iterable[str], *, conjunction: str) -> str:
    """Return names as a list in words, as `JPEG, PNG or WebP`."""
    *first, last = names
    return f"{', '.join(first)} {conjunction} {last}" if first else last


ANY: Final = listed((each.name for each in FORMATS), conjunction="or")
"""`JPEG, PNG or WebP`."""

ALL: Final = listed((each.name for each in FORMATS), conjunction="and")
"""`JPEG, PNG and WebP`."""


def identify(head: bytes) -> ImageFormat | None:
    """Return the format of an encoded image by its first bytes; None where it has none of the formats."""
    return next((each for each in FORMATS if each.matches(head)), None)


def has_suffix(name: str | PurePath) -> bool:
    """Return whether a file is named like an image, in upper or lower case."""
    return PurePath(name).suffix.lower() in SUFFIXES
