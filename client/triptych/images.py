"""What callers call an image -> its encoded bytes and a name for messages."""

import io
import os
import stat
from typing import IO, Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from . import contract
from .errors import ImageError


@runtime_checkable
class _PillowImage(Protocol):
    """A `PIL.Image.Image`, known by its shape so that Pillow need not be installed."""

    @property
    def mode(self) -> str: ...

    def convert(self, mode: str) -> "_PillowImage": ...

    def getexif(self) -> Any: ...

    def save(self, fp: IO[bytes], format: str, **params: Any) -> None: ...  # noqa: A002  Pillow's own name


ImageInput: TypeAlias = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | _PillowImage | NDArray[Any]
)
"""A path, encoded bytes, a binary file object, a Pillow image, or an (H, W, 3) uint8 RGB array."""


_AT_MOST = contract.MAX_IMAGE_BYTES + 1  # bytes that are read, so that no endless file fills the memory
_PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})


def encoded(image: ImageInput, *, index: int = 0) -> tuple[bytes, str]:
    """The encoded bytes of `image`, and the words that errors call it by: its path or `image {index}`.

    Pillow images and arrays are encoded as PNG, which loses nothing.

    Raises:
        ImageError: the image cannot be read or is of no supported type.
    """
    name = f"image {index}"
    if isinstance(image, str | os.PathLike):
        name = os.fspath(image)
        body = _file_bytes(name)
    elif isinstance(image, bytes | bytearray | memoryview):
        body = bytes(image)
    elif isinstance(image, np.ndarray):
        body = _png_of_array(image, source=name)
    elif isinstance(image, _PillowImage):
        body = _png(image, source=name)
    elif hasattr(image, "read"):
        body = _stream_bytes(image, source=name)
    else:
        raise ImageError("unsupported_type", f"a {type(image).__name__} is not an image", source=name)
    if not body:
        raise ImageError("empty_image", "the image has 0 bytes", source=name)
    if len(body) > contract.MAX_IMAGE_BYTES:
        limit = contract.MAX_IMAGE_BYTES
        raise ImageError(
            "image_too_large", f"the image has more than {limit} bytes, the most that is accepted", source=name
        )
    return body, name


def _file_bytes(path: str) -> bytes:
    if not path:
        raise ImageError("missing_file", "the path is empty", source="''")
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ImageError("unreadable", "this is a device or a pipe, not a file", source=path)
            body = file.read(_AT_MOST)
    except FileNotFoundError as error:
        raise ImageError("missing_file", "there is no such file", source=path) from error
    except IsADirectoryError as error:
        raise ImageError("is_directory", "this is a directory; name the images in it", source=path) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError("unreadable", f"the file cannot be read: {reason}", source=path) from error
    return body


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # for a pipe that nobody writes to


def _stream_bytes(stream: Any, *, source: str) -> bytes:
    if isinstance(stream, io.TextIOBase):
        raise ImageError("unsupported_type", "the file object is not binary; open it with 'rb'", source=source)
    try:
        body = stream.read(_AT_MOST)
    except (OSError, ValueError) as error:  # ValueError: a closed file
        raise ImageError("unreadable", f"the file object cannot be read: {error}", source=source) from error
    if not isinstance(body, bytes):
        raise ImageError("unsupported_type", f"the file object reads {type(body).__name__}, not bytes", source=source)
    return body


def _png_of_array(array: NDArray[Any], *, source: str) -> bytes:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        message = f"an array must be (H, W, 3) uint8, not {array.shape} {array.dtype}"
        raise ImageError("unsupported_type", message, source=source)
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        message = "encoding an array needs Pillow: pip install 'triptych[images]'"
        raise ImageError("unsupported_type", message, source=source) from error
    return _png(Image.fromarray(np.ascontiguousarray(array)), source=source)


def _png(image: _PillowImage, *, source: str) -> bytes:
    buffer = io.BytesIO()
    try:
        encodable = image if image.mode in _PNG_MODES else image.convert("RGB")
        encodable.save(buffer, format="PNG", exif=image.getexif())  # with the orientation, which the server reads
    except (OSError, ValueError, SystemError) as error:  # a lazily opened file that is damaged; no pixels; closed
        raise ImageError("unreadable", f"the Pillow image cannot be encoded: {error}", source=source) from error
    return buffer.getvalue()
