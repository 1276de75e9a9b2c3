"""A folder of the user's own pictures."""

from pathlib import Path
from typing import Final

from loadtests.errors import NoPicturesError
from triptych import image_formats

MOST_BYTES: Final = 1 << 30  # they are all held in memory


def read_folder(folder: Path) -> dict[str, bytes]:
    """File name -> bytes of each image file in `folder`, in the order of the names.

    Raises:
        NoPicturesError: it cannot be read, holds none, or more than can be held.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if image_formats.has_suffix(path) and path.is_file())
        if not paths:
            raise NoPicturesError(
                f"{folder} holds no {', '.join(sorted(image_formats.SUFFIXES))}; name a folder with pictures"
            )
        total = sum(path.stat().st_size for path in paths)
        if total > MOST_BYTES:
            raise NoPicturesError(
                f"{folder} holds {total / (1 << 20):.0f} MiB of pictures, which are held in memory; "
                f"name a folder with at most {MOST_BYTES >> 20} MiB"
            )
        return {_line(path.name): path.read_bytes() for path in paths}
    except OSError as error:
        raise NoPicturesError(
            f"{folder}: {(error.strerror or str(error)).lower()}; name a folder with pictures"
        ) from error


def _line(name: str) -> str:
    """A name that stays on one line of a record."""
    return name if name.isprintable() else ascii(name)[1:-1]
