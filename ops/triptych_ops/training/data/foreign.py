"""Bounds for files that others wrote: what a damaged or hostile one leads to is one line, and little memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from triptych_ops.errors import OpsError, RefusedError
from triptych_ops.preprocessing import ImageLimits

MOST_IMAGE_BYTES: Final = ImageLimits().max_bytes
"""Size of an encoded image; a server takes no more."""

MOST_IMAGE_PIXELS: Final = ImageLimits().max_pixels

MOST_NAME_BYTES: Final = 4096
"""Size of the name of an image, in UTF-8; paths of Linux are no longer."""

MOST_NOTE_BYTES: Final = 1 << 20
"""Size of what a file says of one image beside its pixels."""


@contextmanager
def refusing_damage(path: Path, form: str) -> Iterator[None]:
    """Turn whatever a parser raises on a damaged file into one line; errors of our own pass.

    Raises:
        RefusedError: the block raised.
    """
    try:
        yield
    except OpsError:
        raise
    except Exception as error:  # parsers raise whatever damaged bytes lead them to
        words = " ".join(str(error).split())[:200] or type(error).__name__
        raise RefusedError(f"{path} is damaged, or no {form}: {words}; convert or copy it anew") from error


def require_image_name(name: str, *, source: Path) -> None:
    """Refuse a name of an image that cannot be written to a file or a terminal.

    Raises:
        RefusedError: it is empty, no Unicode, longer than 4,096 bytes, or holds a NUL.
    """
    try:
        size_bytes = len(name.encode())
    except UnicodeEncodeError:
        size_bytes = 0
    if not 0 < size_bytes <= MOST_NAME_BYTES or "\0" in name:
        shown = ascii(name[:60])
        raise RefusedError(f"{source} has an image called {shown}, which is no name of a file; rename it")
