"""Large photographs made smaller before they are sent."""

import io
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageFile

from triptych import ImageError, contract
from triptych.inputs import pillow_pixels
from triptych.inputs.images import MAX_SHRINKABLE_BYTES, Reading, encoded
from triptych.inputs.shrinking import shrunk, shrunk_picture

SIDE = 64
RED, BLUE = (220, 30, 30), (30, 30, 220)


@cache
def picture(width: int = 400, height: int = 300, mode: str = "RGB") -> Image.Image:
    """The upper half red, the lower blue, with some noise, which costs bytes."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[: height // 2], pixels[height // 2 :] = RED, BLUE
    noise = np.random.default_rng(0).integers(-20, 20, (height, width, 1))
    return Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8)).convert(mode)


def body(image: Image.Image, form: str, *, orientation: int = 1, **options: Any) -> bytes:
    exif = Image.Exif()
    if orientation != 1:
        exif[ExifTags.Base.Orientation] = orientation
    buffer = io.BytesIO()
    image.save(buffer, form, exif=exif, **options)
    return buffer.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def upper_and_lower(image: Image.Image) -> tuple[Any, Any]:
    pixels = np.asarray(image.convert("RGB")).astype(float)
    quarter = len(pixels) // 4
    return pixels[:quarter].mean((0, 1)), pixels[-quarter:].mean((0, 1))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("size", "expected"),
    [((400, 300), (85, 64)), ((300, 400), (64, 85)), ((200, 200), (64, 64)), ((196, 784), (64, 256))],
)
def test_the_shorter_side_of_a_large_picture_is_what_is_kept(
    form: str, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    given = body(picture(*size), form)
    small = shrunk(given, side=SIDE)
    with opened(small) as image:
        assert (image.format, image.size) == ("JPEG", expected)
        upper, lower = upper_and_lower(image)
    assert len(small) < len(given)
    assert np.abs(upper - RED).max() < 8
    assert np.abs(lower - BLUE).max() < 8


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_turned_picture_stays_turned_the_same_way(form: str, orientation: int) -> None:
    with opened(shrunk(body(picture(), form, orientation=orientation), side=SIDE)) as image:
        assert image.size == (85, 64)
        assert image.getexif().get(ExifTags.Base.Orientation, 1) == orientation


def test_nothing_but_the_orientation_is_left_of_the_metadata() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "a camera"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
    buffer = io.BytesIO()
    picture().save(buffer, "JPEG", exif=exif, comment=b"a secret", icc_profile=b"x" * 3000)
    with opened(shrunk(buffer.getvalue(), side=SIDE)) as image:
        assert dict(image.getexif()) == {ExifTags.Base.Orientation: 6}
        assert {"comment", "icc_profile"} & {*image.info} in (set(), {"comment"})
        assert image.info.get("comment", b"") == b""


@pytest.mark.parametrize("size", [(64, 64), (95, 95), (95, 900), (1, 900), (40, 30)])
def test_what_is_small_already_goes_as_it_is(size: tuple[int, int]) -> None:
    given = body(picture(*size), "PNG")
    assert shrunk(given, side=SIDE) is given


def test_what_would_not_become_smaller_goes_as_it_is() -> None:
    given = body(Image.new("RGB", (96, 96)), "PNG")
    assert shrunk(given, side=SIDE) is given


def test_a_cmyk_jpeg_is_shrunk_to_the_colours_that_the_server_would_see() -> None:
    given = body(picture(mode="CMYK"), "JPEG")
    with opened(shrunk(given, side=SIDE)) as now, opened(given) as before:
        assert (now.mode, now.size) == ("RGB", (85, 64))
        for found, expected in zip(upper_and_lower(now), upper_and_lower(before), strict=True):
            assert np.abs(found - expected).max() < 8


@pytest.mark.parametrize("mode", ["I;16", "1", "L", "P", "LA", "RGBA"])
def test_a_png_of_any_mode_keeps_its_brightness(mode: str) -> None:
    grey = picture().convert("L")
    image = Image.fromarray(np.asarray(grey).astype(np.uint16) << 8) if mode == "I;16" else picture(mode=mode)
    given = body(image, "PNG")
    with opened(shrunk(given, side=SIDE)) as now, opened(given) as before:
        assert now.size == (85, 64)
        expected = grey if mode == "I;16" else before.convert("RGB")
        assert abs(np.asarray(now).mean() - np.asarray(expected).mean()) < 3


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"junk",
        b"\xff\xd8\xff\xe0 no header",
        body(picture(), "JPEG")[:2000],
        body(picture(), "PNG")[:2000],
        body(picture(), "GIF"),
        body(picture(), "BMP"),
        b"%PDF-1.4",
    ],
    ids=["empty", "junk", "header", "cut JPEG", "cut PNG", "GIF", "BMP", "PDF"],
)
def test_what_pillow_cannot_read_or_a_server_does_not_accept_goes_as_it_is(given: bytes) -> None:
    assert shrunk(given, side=SIDE) is given


def test_a_bomb_goes_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    given = body(picture(), "PNG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50_000)  # below the half of 400x300: an error
    assert shrunk(given, side=SIDE) is given


def test_every_kind_of_input_is_shrunk_alike(tmp_path: Path) -> None:
    (tmp_path / "large.jpg").write_bytes(body(picture(), "JPEG"))
    reading = Reading(side=SIDE)
    with (tmp_path / "large.jpg").open("rb") as file, Image.open(tmp_path / "large.jpg") as image:
        given = (str(tmp_path / "large.jpg"), (tmp_path / "large.jpg").read_bytes(), file, image, np.asarray(picture()))
        bodies = [encoded(each, reading=reading)[0] for each in given]
        assert image.size == (400, 300)  # the caller's own picture is what it was
    for each in bodies:
        with opened(each) as small:
            assert (small.format, small.size) == ("JPEG", (85, 64))


def test_a_small_picture_or_array_is_encoded_without_loss() -> None:
    image = picture(60, 50)
    for given in (image, np.asarray(image)):
        with opened(encoded(given, reading=Reading(side=SIDE))[0]) as sent:
            assert sent.format == "PNG"
            assert np.array_equal(np.asarray(sent), np.asarray(image))
    assert shrunk_picture(image, side=SIDE) is None


def test_a_file_that_is_damaged_is_refused_as_a_picture_and_sent_as_a_file() -> None:
    damaged = body(picture(), "JPEG")[:2000]
    with opened(damaged) as image, pytest.raises(Exception, match="cannot be encoded") as caught:
        encoded(image, reading=Reading(side=SIDE))
    assert getattr(caught.value, "code", None) == "unreadable"
    assert encoded(damaged, reading=Reading(side=SIDE))[0] == damaged


def uncompressed(width: int = 3000, height: int = 2600) -> bytes:
    """A photograph of more bytes than a server accepts."""
    buffer = io.BytesIO()
    picture(width, height).save(buffer, "PNG", compress_level=0)
    assert len(buffer.getvalue()) > contract.MAX_IMAGE_BYTES
    return buffer.getvalue()


@pytest.mark.parametrize(
    "kind", [str, Path, lambda path: path.open("rb"), Path.read_bytes], ids=["str", "path", "file", "bytes"]
)
def test_a_photograph_above_the_servers_limit_is_read_whole_and_shrunk(kind: Any, tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(uncompressed())
    given = kind(path)
    small, _ = encoded(given, reading=Reading(side=SIDE))
    with opened(small) as image:
        assert min(image.size) == SIDE
        upper, lower = upper_and_lower(image)
    assert np.abs(upper - RED).max() < 8
    assert np.abs(lower - BLUE).max() < 8
    with pytest.raises(ImageError, match="the most that is accepted"):  # the control: it is too large as it is
        encoded(path)
    if hasattr(given, "close"):
        given.close()


@pytest.mark.parametrize("kind", [str, lambda path: path.open("rb")], ids=["path", "file"])
def test_what_is_to_be_shrunk_has_a_bound_of_its_own(kind: Any, tmp_path: Path) -> None:
    path = tmp_path / "endless.png"
    path.touch()
    os.truncate(path, MAX_SHRINKABLE_BYTES + 1)
    given = kind(path)
    with pytest.raises(ImageError, match=f"{MAX_SHRINKABLE_BYTES} bytes, the most that is read to be shrunk") as caught:
        encoded(given, reading=Reading(side=SIDE))
    assert caught.value.code == "image_too_large"
    if hasattr(given, "close"):
        given.close()


def test_what_stays_too_large_is_refused_by_the_servers_limit() -> None:
    with pytest.raises(ImageError, match=f"more than {contract.MAX_IMAGE_BYTES} bytes, the most that is accepted"):
        encoded(uncompressed()[:-1_000_000], reading=Reading(side=SIDE))  # damaged, so that it is sent as it is


def test_more_pixels_than_are_decoded_go_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    given = body(Image.new("1", (15_000, 15_000)), "PNG")
    assert shrunk(given, side=SIDE) is given


CUT = {
    "JPEG": body(picture(), "JPEG")[:-2000],
    "JPEG less its end": body(picture(), "JPEG")[:-2],
    "progressive JPEG": body(picture(), "JPEG", progressive=True)[:-2000],
    "PNG": body(picture(), "PNG")[:-2000],
    "WebP": body(picture(), "WEBP")[:-2000],
}


@pytest.mark.parametrize("tolerant", [False, True], ids=["", "LOAD_TRUNCATED_IMAGES"])
@pytest.mark.parametrize("given", CUT.values(), ids=CUT)
def test_half_an_image_is_never_shrunk(given: bytes, tolerant: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", tolerant)
    assert shrunk(given, side=SIDE) is given
    if not given.startswith(b"RIFF"):  # a WebP that is cut off cannot even be opened
        with pytest.raises(ImageError, match="cannot be encoded"), opened(given) as lazily_opened:
            encoded(lazily_opened, reading=Reading(side=SIDE))
    assert ImageFile.LOAD_TRUNCATED_IMAGES is tolerant


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_the_control_pillow_itself_decodes_half_an_image_where_the_process_has_said_so(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with opened(CUT[form]) as image:
        image.load()


def test_strictness_is_each_threads_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", False)
    stop = threading.Event()

    def toggle() -> None:
        while not stop.is_set():
            ImageFile.LOAD_TRUNCATED_IMAGES = True
            ImageFile.LOAD_TRUNCATED_IMAGES = False
            ImageFile.LOAD_TRUNCATED_IMAGES = True

    with ThreadPoolExecutor(4) as pool:
        toggling = pool.submit(toggle)
        shrinking = [pool.submit(shrunk, CUT["JPEG"], side=SIDE) for _ in range(100)]
        assert all(each.result() is CUT["JPEG"] for each in shrinking)
        assert ImageFile.LOAD_TRUNCATED_IMAGES is True or not toggling.done()
        stop.set()
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    with opened(CUT["JPEG"]) as image:  # this thread is as tolerant as the process
        image.load()
    with pillow_pixels.strictly(), opened(CUT["JPEG"]) as image, pytest.raises(OSError, match="truncated"):
        image.load()
