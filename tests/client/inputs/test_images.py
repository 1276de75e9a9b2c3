import base64
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from triptych import ImageError, contract
from triptych.inputs.images import Reading, encoded

BODY = b"\xff\xd8\xff encoded"
PIXELS = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


class Folder(os.PathLike[str]):
    """A path that is neither `str` nor `Path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return str(self._path)


class LosesItsDisk(io.RawIOBase):
    def read(self, size: int = -1, /) -> bytes:
        raise OSError(5, f"Input/output error after {size} bytes")


def closed_file() -> io.BytesIO:
    file = io.BytesIO(BODY)
    file.close()
    return file


def pixels(png: bytes) -> Any:
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image)


@pytest.mark.parametrize("kind", [str, Path, Folder])
def test_a_file_is_read_as_it_is_and_called_by_its_path(kind: Callable[[Path], Any], tmp_path: Path) -> None:
    path = tmp_path / "kätzchen.jpg"
    path.write_bytes(BODY)
    assert encoded(kind(path), index=3) == (BODY, str(path))


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, io.BytesIO], ids=lambda kind: kind.__name__)
def test_encoded_bytes_pass_untouched_and_are_called_by_their_place(kind: Callable[[bytes], Any]) -> None:
    body, source = encoded(kind(BODY), index=3)
    assert (type(body), body, source) == (bytes, BODY, "image 3")


def test_a_view_with_a_stride_yields_the_bytes_that_it_shows() -> None:
    assert encoded(memoryview(b"a-b-c-")[::2]) == (b"abc", "image 0")


def test_a_binary_file_is_read_from_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "cat.jpg"
    path.write_bytes(b"header" + BODY)
    with path.open("rb") as file:
        file.seek(len(b"header"))
        assert encoded(file) == (BODY, "image 0")
        assert not file.closed


@pytest.mark.parametrize(("mode", "channels"), [("RGB", 3), ("RGBA", 4), ("L", 1)])
def test_a_pillow_image_is_encoded_without_loss(mode: str, channels: int) -> None:
    image = Image.fromarray(PIXELS).convert(mode)
    body, source = encoded(image, index=1)
    assert source == "image 1"
    assert pixels(body).size == 4 * 6 * channels
    assert np.array_equal(pixels(body), np.asarray(image))


@pytest.mark.parametrize(
    "array", [PIXELS, PIXELS[:, ::-1], PIXELS[..., ::-1], np.asfortranarray(PIXELS), PIXELS[:1, :1]]
)
def test_an_array_is_encoded_without_loss_whatever_its_memory_order(array: Any) -> None:
    body, source = encoded(array, index=2)
    assert source == "image 2"
    assert np.array_equal(pixels(body), array)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("missing.jpg", "missing_file"),
        ("folder", "is_directory"),
        ("empty.jpg", "empty_image"),
        ("nul\0.jpg", "unreadable"),
        ("empty.jpg/inside.jpg", "unreadable"),
        ("x" * 300, "unreadable"),
    ],
    ids=["missing", "directory", "empty", "NUL in the path", "below a file", "name too long"],
)
@pytest.mark.parametrize("kind", [str, Path])
def test_a_file_that_cannot_be_read_is_refused_with_its_path(
    kind: Callable[[str], Any], name: str, code: str, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.jpg").touch()
    path = f"{tmp_path}/{name}"
    with pytest.raises(ImageError) as caught:
        encoded(kind(path), index=3)
    assert (caught.value.code, caught.value.source) == (code, path)
    assert str(caught.value) == f"{path}: {caught.value.message} ({code})"


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (b"", "empty_image"),
        (bytearray(), "empty_image"),
        (memoryview(b""), "empty_image"),
        (io.BytesIO(), "empty_image"),
        (io.StringIO("text"), "unsupported_type"),
        (io.StringIO(""), "unsupported_type"),
        (closed_file(), "unreadable"),
        (LosesItsDisk(), "unreadable"),
        (PIXELS.astype(np.float32), "unsupported_type"),
        (PIXELS.astype(np.int64), "unsupported_type"),
        (PIXELS[0], "unsupported_type"),
        (PIXELS[None], "unsupported_type"),
        (PIXELS[..., :1], "unsupported_type"),
        (PIXELS[:0], "unsupported_type"),
        (PIXELS[:, :0], "unsupported_type"),
        (np.array(None), "unsupported_type"),
        (None, "unsupported_type"),
        (7, "unsupported_type"),
        (["cat.jpg"], "unsupported_type"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, np.ndarray) else f"{value.dtype}{value.shape}",
)
def test_what_is_no_image_is_refused_by_its_place(image: Any, code: str) -> None:
    with pytest.raises(ImageError) as caught:
        encoded(image, index=3)
    assert (caught.value.code, caught.value.source) == (code, "image 3")
    assert str(caught.value) == f"image 3: {caught.value.message} ({code})"


def test_base64_in_place_of_a_path_is_not_repeated() -> None:
    text = base64.b64encode(bytes(600_000)).decode()
    with pytest.raises(ImageError, match="a text of 800000 characters is no path; decode base64 first") as caught:
        encoded(text, index=3)
    assert (caught.value.code, caught.value.source) == ("unreadable", "image 3")
    assert len(str(caught.value)) < 200


def test_a_file_opened_as_text_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "cat.jpg"
    path.write_text("plain ASCII", encoding="ascii")
    with path.open(encoding="ascii") as file, pytest.raises(ImageError, match="'rb'") as caught:
        encoded(file)  # type: ignore[arg-type]
    assert caught.value.code == "unsupported_type"


def test_a_file_opened_for_writing_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "cat.jpg").open("wb") as file, pytest.raises(ImageError) as caught:
        encoded(file)
    assert (caught.value.code, caught.value.source) == ("unreadable", "image 0")


def test_the_error_of_the_operating_system_is_chained(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as caught:
        encoded(tmp_path / "missing.jpg")
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_an_array_without_pillow_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImageError, match=r"pip install 'triptych\[images\]'") as caught:
        encoded(PIXELS, index=4)
    assert (caught.value.code, caught.value.source) == ("unsupported_type", "image 4")


def test_a_wrong_array_is_named_by_its_shape_and_type() -> None:
    with pytest.raises(ImageError, match=r"\(4, 6, 3\) float32"):
        encoded(PIXELS.astype(np.float32))


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV", "PA", "RGBX", "I", "I;16B"])
def test_a_pillow_image_that_png_cannot_hold_is_converted(mode: str) -> None:
    body, _ = encoded(Image.new(mode, (4, 3)))
    with Image.open(io.BytesIO(body)) as image:
        assert (image.mode, image.size) == ("RGB", (4, 3))


def test_a_pillow_image_that_cannot_be_encoded_is_refused_by_its_place() -> None:
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(buffer, format="JPEG")
    truncated = Image.open(io.BytesIO(buffer.getvalue()[:700]))  # Pillow has read only the header yet
    for image in (truncated, Image.new("RGB", (0, 0))):
        with pytest.raises(ImageError) as caught:
            encoded(image, index=3)
        assert (caught.value.code, caught.value.source) == ("unreadable", "image 3")
    truncated.close()


def test_a_photograph_opened_as_text_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "cat.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0")
    with path.open(encoding="utf-8") as file, pytest.raises(ImageError, match="open it with 'rb'") as caught:
        encoded(file)  # type: ignore[arg-type]
    assert caught.value.code == "unsupported_type"


def test_an_empty_path_is_a_missing_file() -> None:
    with pytest.raises(ImageError) as caught:
        encoded("")
    assert caught.value.code == "missing_file"


def oriented(image: Image.Image, orientation: int, kind: str) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    buffer = io.BytesIO()
    image.save(buffer, kind, exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize("side", [None, 4], ids=["as it is", "shrunk"])
@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
def test_the_pixels_of_a_pillow_image_are_sent_without_an_orientation(mode: str, side: int | None) -> None:
    body = oriented(Image.effect_noise((80, 60), 50).convert(mode), 6, "JPEG")
    with Image.open(io.BytesIO(body)) as opened:
        turned = opened.transpose(Image.Transpose.ROTATE_270)  # by a caller, who leaves the tag as it was
        assert turned.getexif()[ExifTags.Base.Orientation] == 6
        for given in (opened, turned):
            with Image.open(io.BytesIO(encoded(given, reading=Reading(side=side))[0])) as sent:
                assert dict(sent.getexif()) == {}
                assert (sent.width > sent.height) == (given.width > given.height)
                if side is None:
                    assert np.array_equal(np.asarray(sent), np.asarray(given.convert("RGB")))


def test_an_orientation_in_xmp_is_not_sent_with_a_pillow_image() -> None:
    buffer = io.BytesIO()
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF tiff:Orientation="6"/></x:xmpmeta>'
    Image.effect_noise((80, 60), 50).save(buffer, "JPEG", xmp=packet)
    with Image.open(buffer) as given:
        assert given.getexif()[ExifTags.Base.Orientation] == 6
        for side in (None, 4):
            with Image.open(io.BytesIO(encoded(given, reading=Reading(side=side))[0])) as sent:
                assert dict(sent.getexif()) == {}


RAMP = (np.arange(64 * 64, dtype=np.uint16) * 16).reshape(64, 64)  # 0 to 65,520


@pytest.mark.parametrize("side", [None, 32], ids=["as it is", "shrunk"])
@pytest.mark.parametrize(
    "image",
    [
        Image.fromarray(RAMP),
        Image.frombytes("I;16B", (64, 64), RAMP.astype(">u2").tobytes()),
        Image.fromarray(RAMP.astype(np.int32)),
    ],
    ids=["I;16", "I;16B", "I"],
)
def test_sixteen_bits_are_sent_as_what_the_server_takes_for_their_upper_byte(
    image: Image.Image, side: int | None
) -> None:
    with Image.open(io.BytesIO(encoded(image, reading=Reading(side=side))[0])) as sent:
        values = np.asarray(sent)
    found = values >> 8 if values.dtype == np.uint16 else values
    if side is None:
        assert np.array_equal(found if found.ndim == 2 else found[..., 0], RAMP >> 8)
    assert abs(found.mean() - (RAMP >> 8).mean()) < 1  # it was 254 of 255: white


@pytest.mark.parametrize("side", [None, 4], ids=["as it is", "shrunk"])
@pytest.mark.parametrize(
    ("array", "words"),
    [
        (RAMP.astype(np.float32), "pixels of mode F have no range of their own; convert the image to mode L or RGB"),
        (RAMP.astype(np.int32) * 2, "pixels of mode I from 0 to 131040 do not fit into 16 bits; convert the image"),
        (RAMP.astype(np.int32) - 1, "pixels of mode I from -1 to 65519 do not fit into 16 bits; convert the image"),
        ((RAMP >> 8).astype(np.int32), "pixels of mode I up to 255 may be 8-bit or 16-bit values; convert the image"),
    ],
    ids=["F", "I above", "I below", "I of 8 bits"],
)
def test_pixels_without_a_range_of_their_own_are_refused(array: Any, words: str, side: int | None) -> None:
    with pytest.raises(ImageError) as caught:
        encoded(Image.fromarray(array), index=3, reading=Reading(side=side))
    assert (caught.value.code, caught.value.source) == ("unsupported_type", "image 3")
    assert caught.value.message.startswith(words)


def test_a_mode_that_pillow_cannot_convert_is_refused() -> None:
    with pytest.raises(ImageError, match="mode La cannot be converted to RGB") as caught:
        encoded(Image.new("La", (8, 8)))
    assert caught.value.code == "unsupported_type"


@pytest.mark.parametrize("kind", [Path, lambda path: path.open("rb"), Path.read_bytes], ids=["path", "file", "bytes"])
def test_more_bytes_than_a_server_accepts_are_not_sent(kind: Callable[[Path], Any], tmp_path: Path) -> None:
    path = tmp_path / "huge.jpg"
    path.touch()
    os.truncate(path, contract.MAX_IMAGE_BYTES)
    assert len(encoded(path)[0]) == contract.MAX_IMAGE_BYTES
    os.truncate(path, contract.MAX_IMAGE_BYTES + 1)
    given = kind(path)
    with pytest.raises(ImageError, match="more than 20971520 bytes") as caught:
        encoded(given)
    assert caught.value.code == "image_too_large"
    if hasattr(given, "close"):
        given.close()


def test_pipes_and_devices_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (str(tmp_path / "pipe"), "/dev/zero"):
        with pytest.raises(ImageError, match="a device or a pipe") as caught:
            encoded(path)
        assert (caught.value.code, caught.value.source) == ("unreadable", path)
