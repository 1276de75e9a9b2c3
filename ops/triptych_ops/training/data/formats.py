"""Which format an encoded image has, by its first bytes."""

from triptych import image_formats
from triptych_ops.errors import RefusedError


def image_suffix(content: bytes, *, name: str) -> str:
    """The suffix of a file of this content.

    Raises:
        RefusedError: it has none of the formats of `triptych.image_formats`.
    """
    found = image_formats.identify(content)
    if found is None:
        raise RefusedError(f"{name!r} is no {image_formats.ANY}; remove it, `triptych data check` lists all")
    return found.suffix
