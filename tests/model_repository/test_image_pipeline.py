"""Served pixels against torchvision's transforms."""

import io
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from torchvision import transforms

Pixels = NDArray[np.uint8]
Turn = Callable[[Pixels], Pixels]

RESIZE, CROP = 36, 32
SIDE = 32  # an image of this size passes through `unscaled` as it is

# (width, height)
SIZES = [
    *[(36, 36), (64, 64), (33, 33), (1, 1), (2, 2)],
    *[(300, 200), (101, 99), (501, 333), (47, 33), (37, 36)],
    *[(60, 75), (99, 101), (36, 37), (72, 90)],
    *[(1, 300), (300, 1), (5, 7), (7, 5), (36, 500)],
]
CUTS = [(36, 32), (35, 32), (33, 28), (32, 32)]  # (resize, crop): the margin is even, odd, odd, none

TURNS: dict[int, Turn] = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: stored.transpose(1, 0, 2)[:, ::-1],
    7: lambda stored: stored.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda stored: stored.transpose(1, 0, 2)[::-1],
}
"""EXIF orientation -> how the stored picture is turned to stand upright (EXIF 2.32, tag 0x0112)."""


def noise(width: int, height: int, *, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def picture(width: int, height: int) -> Image.Image:
    """4 x 4 equal tiles with the spectrum of photographs: amplitude falls as 1 / frequency."""
    rows, columns = height // 4, width // 4
    frequency = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None, :])
    white = np.random.default_rng(0).standard_normal((3, rows, columns))
    tile = np.fft.irfft2(np.fft.rfft2(white) / np.maximum(frequency, 1 / columns), s=(rows, columns))
    scaled = (128 + 50 * tile / tile.std()).clip(0, 255).astype(np.uint8)
    return Image.fromarray(np.tile(scaled.transpose(1, 2, 0), (4, 4, 1)))


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def decoded(body: bytes) -> Image.Image:
    return Image.open(io.BytesIO(body)).convert("RGB")


def trained_on(
    image: Image.Image, *, resize: int = RESIZE, crop: int = CROP, interpolation: str = "bicubic"
) -> NDArray[np.int64]:
    mode = transforms.InterpolationMode(interpolation)
    cut = transforms.Compose([transforms.Resize(resize, mode), transforms.CenterCrop(crop)])
    return np.asarray(cut(image)).astype(np.int64)


def served(
    module: ModuleType, body: bytes, *, resize: int = RESIZE, crop: int = CROP, interpolation: str = "bicubic"
) -> Pixels:
    pipeline = module.ImagePipeline(
        resize=resize,
        crop=crop,
        interpolation=interpolation,
        formats=("JPEG", "PNG", "WEBP"),
        max_bytes=20_000_000,
        max_pixels=50_000_000,
    )
    pixels: Pixels = pipeline.pixels(body)
    assert pixels.shape == (crop, crop, 3)
    assert pixels.dtype == np.uint8
    return pixels


def unscaled(module: ModuleType, image: Image.Image, kind: str = "PNG", **options: Any) -> Pixels:
    return served(module, encoded(image, kind, **options), resize=SIDE, crop=SIDE)


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("cut", CUTS, ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_pixels_are_those_of_the_training_transforms(
    image_pipeline: ModuleType, size: tuple[int, int], cut: tuple[int, int], interpolation: str
) -> None:
    image, (resize, crop) = noise(*size), cut
    expected = trained_on(image, resize=resize, crop=crop, interpolation=interpolation)
    found = served(image_pipeline, encoded(image, "PNG"), resize=resize, crop=crop, interpolation=interpolation)
    assert np.abs(found - expected).max() <= 1


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (224, 224), (700, 256), (5, 7)], ids=str)
def test_pixels_of_a_real_classifier_size_are_those_of_the_training_transforms(
    image_pipeline: ModuleType, size: tuple[int, int]
) -> None:
    image = noise(*size)
    found = served(image_pipeline, encoded(image, "PNG"), resize=256, crop=224)
    assert np.abs(found - trained_on(image, resize=256, crop=224)).max() <= 1


@pytest.mark.parametrize("size", [(143, 143), (400, 143), (143, 170)], ids=str)
def test_a_jpeg_less_than_four_times_the_resize_is_decoded_in_full(
    image_pipeline: ModuleType, size: tuple[int, int]
) -> None:
    body = encoded(noise(*size), "JPEG", quality=90)
    assert np.abs(served(image_pipeline, body) - trained_on(decoded(body))).max() <= 1


@pytest.mark.parametrize("size", [(2000, 1500), (1500, 2000)], ids=str)
def test_a_large_jpeg_is_decoded_at_a_reduced_scale_that_hardly_shows(
    image_pipeline: ModuleType, size: tuple[int, int]
) -> None:
    body = encoded(picture(*size), "JPEG", quality=90)
    found = served(image_pipeline, body, resize=256, crop=224)
    difference = np.abs(found - trained_on(decoded(body), resize=256, crop=224))
    # Of 255: the mean is 0.7 and the maximum 6 here; one scale further down they would be 1.8 and 10.
    assert 0.1 < difference.mean() < 1
    assert difference.max() < 9


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(encoded(noise(50, 40).convert(mode), kind), id=f"{mode} {kind}")
        for mode, kind in [
            *[("RGB", "PNG"), ("L", "PNG"), ("P", "PNG"), ("RGBA", "PNG"), ("1", "PNG"), ("LA", "PNG")],
            *[("RGB", "JPEG"), ("L", "JPEG"), ("CMYK", "JPEG"), ("RGB", "WEBP"), ("RGBA", "WEBP"), ("RGB", "MPO")],
        ]
    ],
)
def test_every_mode_becomes_the_rgb_that_training_sees(image_pipeline: ModuleType, body: bytes) -> None:
    assert np.abs(served(image_pipeline, body) - trained_on(decoded(body))).max() <= 1


def test_grey_pictures_have_three_equal_channels(image_pipeline: ModuleType) -> None:
    grey = noise(SIDE, SIDE).convert("L")
    expected = np.stack([np.asarray(grey)] * 3, axis=2)
    assert (unscaled(image_pipeline, grey) == expected).all()
    assert (unscaled(image_pipeline, grey.convert("LA")) == expected).all()
    bits = grey.point(lambda value: 255 * (value > 127)).convert("1")
    assert (unscaled(image_pipeline, bits) == 255 * (expected > 127)).all()


@pytest.mark.filterwarnings("ignore:Palette images with Transparency:UserWarning")
def test_transparency_is_dropped_and_palettes_are_looked_up(image_pipeline: ModuleType) -> None:
    colours = noise(SIDE, SIDE)
    clear = colours.copy()
    clear.putalpha(0)
    assert (unscaled(image_pipeline, clear) == np.asarray(colours)).all()
    indices = np.arange(SIDE * SIDE, dtype=np.uint8).reshape(SIDE, SIDE) % 4
    palette = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 8, 7]], dtype=np.uint8)
    indexed = Image.fromarray(indices)
    indexed.putpalette(palette.tobytes())
    assert (unscaled(image_pipeline, indexed) == palette[indices]).all()
    assert (unscaled(image_pipeline, indexed, transparency=b"\x00\x80") == palette[indices]).all()


def test_cmyk_ink_becomes_its_colour(image_pipeline: ModuleType) -> None:
    red = Image.new("CMYK", (SIDE, SIDE), (0, 255, 255, 0))
    assert np.abs(unscaled(image_pipeline, red, "JPEG").astype(int) - [255, 0, 0]).max() <= 3


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_its_first_picture(image_pipeline: ModuleType, kind: str) -> None:
    first, second = noise(SIDE, SIDE), noise(SIDE, SIDE, seed=1)
    found = unscaled(image_pipeline, first, kind, save_all=True, append_images=[second], lossless=True)
    assert (found == np.asarray(first)).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", TURNS)
def test_a_turned_picture_equals_the_upright_one(image_pipeline: ModuleType, orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    body = encoded(noise(50, 40), kind, exif=exif)
    upright = Image.fromarray(np.ascontiguousarray(TURNS[orientation](np.asarray(decoded(body)))))
    assert (served(image_pipeline, body) == served(image_pipeline, encoded(upright, "PNG"))).all()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_an_orientation_that_cannot_be_read_leaves_the_picture_as_it_is(image_pipeline: ModuleType, kind: str) -> None:
    given = noise(SIDE, SIDE)
    assert (unscaled(image_pipeline, given, kind, exif=b"garbage") == unscaled(image_pipeline, given, kind)).all()


def test_sixteen_bits_become_their_upper_eight(image_pipeline: ModuleType) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (SIDE, SIDE), dtype=np.uint16)
    found = unscaled(image_pipeline, Image.fromarray(deep))
    assert (found == (deep >> 8)[..., None]).all()
