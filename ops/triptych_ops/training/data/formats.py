"""Which format an encoded image has, by its first bytes."""

from triptych_ops.errors import RefusedError


def image_suffix(content: bytes, *, name: str) -> str:
    """The suffix of a file of this content.

    Raises:
        RefusedError: it is no JPEG, PNG or WebP.
    """
    if content.startswith(b"\xff\xd8\xff"):
        return ".jpg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return ".png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return ".webp"
    raise RefusedError(f"{name!r} is no JPEG, PNG or WebP; remove it, `triptych data check` lists all")
