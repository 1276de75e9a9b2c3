"""What callers call an image -> its encoded bytes and a name for messages."""

import io
import os
import stat
from dataclasses import dataclass
from typing import IO, Any, Final, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .. import contract
from ..errors import ImageError
from . import data_urls
from .fetching import Fetching, is_url, refused, shown


@runtime_checkable
class _PillowImage(Protocol):
    """A `PIL.Image.Image`, known by its shape so that Pillow need not be installed."""

    @property
    def mode(self) -> str: ...

    def convert(self, mode: str) -> "_PillowImage": ...

    def load(self) -> Any: ...

    def save(self, fp: IO[bytes], format: str, **params: Any) -> None: ...  # noqa: A002  Pillow's own name


ImageInput: TypeAlias = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | _PillowImage | NDArray[Any]
)
"""A path, encoded bytes, a binary file object, a Pillow image, or an (H, W, 3) uint8 RGB array.

Of a file, in whatever way it is given, the server applies the EXIF orientation, so that the image is classified as
viewers show it. A Pillow image is its pixels: they are classified as they are in memory, and an EXIF orientation that
the image still carries is not applied. So `Image.open(path)` of a photograph that a viewer shows upright may be
classified on its side; give the path instead, or `ImageOps.exif_transpose(image)`. The current frame of several is
sent. Pixels of 16 bits (modes I;16, I;16B, and I with values up to 65,535) are taken by their upper byte; mode F has no
range of its own and is refused.

A `str` may also be a `data:` URL, or an `http://` or `https://` one where fetching is switched on.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How what callers call an image becomes bytes.

    side:      pixels that the shorter side of a large photograph keeps; None: it stays as it is
    fetching:  how URLs are fetched; None: not at all
    timeout_s: that fetching one may take
    """

    side: int | None = None
    fetching: Fetching | None = None
    timeout_s: float = 0.0

    @property
    def max_bytes(self) -> int:
        """How many encoded bytes are read at most, so that no endless file fills the memory."""
        return contract.MAX_IMAGE_BYTES if self.side is None else MAX_SHRINKABLE_BYTES


AS_IT_IS: Final = Reading()

MAX_SHRINKABLE_BYTES: Final = 256 * 1024 * 1024
"""Encoded bytes of one image that are read to be shrunk: 80 megapixels that are not compressed at all."""

_PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})


_GIVEN = (bytes, str, bytearray, memoryview)  # asked for first: whether something is like a Pillow image takes long


def encoded(image: ImageInput, *, index: int = 0, reading: Reading = AS_IT_IS) -> tuple[bytes, str]:
    """The encoded bytes of `image`, and the words that errors call it by: its path or URL, or `image {index}`.

    Pillow images and arrays are encoded as PNG, which loses nothing, unless they are shrunk.

    Raises:
        ImageError: the image cannot be read or is of no supported type.
    """
    name = f"image {index}"
    if isinstance(image, np.ndarray):
        body = _of_picture(_picture(image, source=name), reading, source=name)
    elif not isinstance(image, _GIVEN) and isinstance(image, _PillowImage):
        body = _of_picture(image, reading, source=name)
    else:
        body, name = _given_bytes(image, reading, source=name)
        if len(body) > reading.max_bytes:
            raise too_large(reading.max_bytes, source=name)
        if reading.side is not None:
            from .shrinking import shrunk

            body = shrunk(body, side=reading.side)
    if not body:
        raise ImageError("empty_image", "the image has 0 bytes", source=name)
    if len(body) > contract.MAX_IMAGE_BYTES:
        raise too_large(contract.MAX_IMAGE_BYTES, source=name)
    return body, name


_LONGEST_PATH = 4096  # PATH_MAX of Linux; other systems take less


def too_large(limit_bytes: int, *, source: str) -> ImageError:
    """Why an image of more encoded bytes is not read, or not sent."""
    purpose = "accepted" if limit_bytes == contract.MAX_IMAGE_BYTES else "read to be shrunk"
    message = f"the image has more than {limit_bytes} bytes, the most that is {purpose}"
    return ImageError("image_too_large", message, source=source)


def _given_bytes(image: Any, reading: Reading, *, source: str) -> tuple[bytes, str]:
    if isinstance(image, bytes):
        return image, source
    if isinstance(image, str) and data_urls.is_data_url(image):
        return _data_url_bytes(image, source=source), source
    if isinstance(image, str) and is_url(image):
        return _url_bytes(image, reading)
    if isinstance(image, str | os.PathLike):
        path = os.fspath(image)
        if len(path) > _LONGEST_PATH:  # an encoded image rather: as a path it would be the whole of the message
            message = f"a text of {len(path)} characters is no path; decode base64 first, or give a data: URL"
            raise ImageError("unreadable", message, source=source)
        return _file_bytes(path, most=reading.max_bytes + 1), path
    if isinstance(image, bytearray | memoryview):
        return bytes(image), source
    if hasattr(image, "read"):
        return _stream_bytes(image, most=reading.max_bytes + 1, source=source), source
    raise ImageError("unsupported_type", f"a {type(image).__name__} is not an image", source=source)


def _data_url_bytes(url: str, *, source: str) -> bytes:
    try:
        return data_urls.decoded(url)
    except ValueError as error:
        raise ImageError("unreadable", f"the data: URL cannot be read: {error}", source=source) from error


def _url_bytes(url: str, reading: Reading) -> tuple[bytes, str]:
    if reading.fetching is None:
        raise refused(url, "this client fetches no URLs; give it fetch_urls=True, or send the bytes")
    from .http_fetch import fetch

    body = fetch(url, reading.fetching, timeout_s=reading.timeout_s, max_bytes=reading.max_bytes)
    return body, shown(url)


def _file_bytes(path: str, *, most: int) -> bytes:
    if not path:
        raise ImageError("missing_file", "the path is empty", source="''")
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ImageError("unreadable", "this is a device or a pipe, not a file", source=path)
            body = file.read(most)
    except FileNotFoundError as error:
        raise ImageError("missing_file", "there is no such file", source=path) from error
    except IsADirectoryError as error:
        raise ImageError("is_directory", "this is a directory; name the images in it", source=path) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError("unreadable", f"the file cannot be read: {reason}", source=path) from error
    return body


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # for a pipe that nobody writes to


def _stream_bytes(stream: Any, *, most: int, source: str) -> bytes:
    if isinstance(stream, io.TextIOBase):
        raise ImageError("unsupported_type", "the file object is not binary; open it with 'rb'", source=source)
    try:
        body = stream.read(most)
    except (OSError, ValueError) as error:  # ValueError: a closed file
        raise ImageError("unreadable", f"the file object cannot be read: {error}", source=source) from error
    if not isinstance(body, bytes):
        raise ImageError("unsupported_type", f"the file object reads {type(body).__name__}, not bytes", source=source)
    return body


def _picture(array: NDArray[Any], *, source: str) -> _PillowImage:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        message = f"an array must be (H, W, 3) uint8, not {array.shape} {array.dtype}"
        raise ImageError("unsupported_type", message, source=source)
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        message = "encoding an array needs Pillow: pip install 'triptych[images]'"
        raise ImageError("unsupported_type", message, source=source) from error
    return Image.fromarray(np.ascontiguousarray(array))


def _of_picture(image: _PillowImage, reading: Reading, *, source: str) -> bytes:
    from .pillow_pixels import UnrepresentableError, strictly

    try:
        with strictly():
            image.load()  # it may be a file that was opened and not yet read
        small = None
        if reading.side is not None:
            from .shrinking import shrunk_picture

            small = shrunk_picture(image, side=reading.side)
        return _png(image) if small is None else small
    except UnrepresentableError as error:
        raise ImageError("unsupported_type", str(error), source=source) from error
    except (OSError, ValueError, SystemError) as error:  # a lazily opened file that is damaged; no pixels; closed
        raise ImageError("unreadable", f"the Pillow image cannot be encoded: {error}", source=source) from error


def _png(image: _PillowImage) -> bytes:
    from .pillow_pixels import rgb

    buffer = io.BytesIO()
    pixels: Any = image  # of Pillow, which need not be installed
    encodable = pixels if pixels.mode in _PNG_MODES else rgb(pixels)
    # Without metadata: the server would apply an orientation that the image still carries.
    encodable.save(buffer, format="PNG", exif=b"", icc_profile=None, pnginfo=None)
    return buffer.getvalue()
