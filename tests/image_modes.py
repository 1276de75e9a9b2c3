"""Images of every mode and format, each with the pixels that it must be decoded to; and what must be refused.

The expected pixels are made here, from the values that were encoded, or by Pillow's plain conversion where the format
itself is lossy: never by the decoder that is tested.
"""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms

Pixels = NDArray[np.uint8]
SIDE = 96
"""Pixels of each side."""


@dataclass(frozen=True, slots=True)
class Case:
    """An encoded image, and what becomes of it."""

    body: bytes
    expected: Pixels | None  # (SIDE, SIDE, 3); None: it is refused
    words: str = ""  # with which the refusal begins


@cache
def scene() -> Pixels:
    """A smooth image without any symmetry, (SIDE, SIDE, 3)."""
    x, y = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE))
    waves = [np.sin(5 * x + 2 * y), np.cos(4 * y - x), np.sin(3 * x * y + 1)]
    pixels: Pixels = np.stack([128 + 100 * wave for wave in waves], axis=2).round().astype(np.uint8)
    return pixels


@cache
def deep() -> NDArray[np.uint16]:
    """A gray image of 16 bits, all but its first value above 255: (SIDE, SIDE)."""
    return scene()[..., 0].astype(np.uint16) * np.uint16(256) + np.arange(SIDE, dtype=np.uint16)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The image as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def upper_bytes() -> Pixels:
    """Those of `deep`, as gray: (SIDE, SIDE, 3)."""
    return gray(scene()[..., 0])


def gray(values: Pixels) -> Pixels:
    """Three equal channels."""
    return np.repeat(values[..., None], 3, axis=2)


def by_pillow(body: bytes) -> Pixels:
    """The first image of a lossy file, by Pillow's own decoder and conversion."""
    with Image.open(io.BytesIO(body)) as image:
        return np.asarray(image.convert("RGB"))


def oriented(orientation: int) -> Image.Exif:
    """EXIF with an orientation alone."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif


UPRIGHT: dict[int, Callable[[Pixels], Pixels]] = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: stored.transpose(1, 0, 2)[:, ::-1],
    7: lambda stored: stored.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda stored: stored.transpose(1, 0, 2)[::-1],
}
"""EXIF orientation -> how the stored image is turned to stand upright (EXIF 2.32, tag 0x0112)."""


def png_of_16_bits(channels: NDArray[np.uint16], colour: int) -> bytes:
    """A PNG of 16 bits with (H, W, C) values, which Pillow does not write; `colour` is the colour type."""
    height, width = channels.shape[:2]
    rows = b"".join(b"\x00" + row.astype(">u2").tobytes() for row in channels)
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF tiff:Orientation="6"/></x:xmpmeta>'


@cache
def cases() -> dict[str, Case]:
    """Every case under its name."""
    return {**_png(), **_jpeg(), **_webp(), **_refused()}


def _png() -> dict[str, Case]:
    pixels, rgb = scene(), Image.fromarray(scene())
    level, bits = np.asarray(rgb.convert("L")), np.asarray(rgb.convert("1"))
    alpha = rgb.copy()
    alpha.putalpha(Image.linear_gradient("L").resize(rgb.size))
    indices = (level >> 4).astype(np.uint8)
    palette = np.random.default_rng(0).integers(0, 256, (16, 3), dtype=np.uint8)
    indexed = Image.fromarray(indices)
    indexed.putpalette(palette.tobytes())
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    wide = pixels.astype(np.uint16) * np.uint16(256) + np.uint16(255)
    wide_alpha = np.concatenate([wide, np.full((SIDE, SIDE, 1), 9, np.uint16)], axis=2)
    wide_gray_alpha = np.stack([deep(), np.full((SIDE, SIDE), 9, np.uint16)], axis=2)
    other = [Image.fromarray(255 - pixels)]
    return {
        "PNG RGB": Case(encoded(rgb, "PNG"), pixels),
        "PNG gray": Case(encoded(Image.fromarray(level), "PNG"), gray(level)),
        "PNG 1 bit": Case(encoded(Image.fromarray(bits), "PNG"), gray(np.where(bits, 255, 0).astype(np.uint8))),
        "PNG gray + alpha": Case(encoded(alpha.convert("LA"), "PNG"), gray(level)),
        "PNG RGBA": Case(encoded(alpha, "PNG"), pixels),
        "PNG palette": Case(encoded(indexed, "PNG"), palette[indices]),
        "PNG palette + alpha": Case(encoded(indexed, "PNG", transparency=b"\x00\x80"), palette[indices]),
        "PNG one clear colour": Case(encoded(rgb, "PNG", transparency=tuple(pixels[0, 0].tolist())), pixels),
        "PNG 16-bit gray": Case(encoded(Image.fromarray(deep()), "PNG"), upper_bytes()),
        "PNG 16-bit gray + alpha": Case(png_of_16_bits(wide_gray_alpha, 4), upper_bytes()),
        "PNG 16-bit RGB": Case(png_of_16_bits(wide, 2), pixels),
        "PNG 16-bit RGBA": Case(png_of_16_bits(wide_alpha, 6), pixels),
        "PNG with ICC profile": Case(encoded(rgb, "PNG", icc_profile=profile), pixels),
        "PNG animated": Case(encoded(rgb, "PNG", save_all=True, append_images=other), pixels),
        **{
            f"PNG EXIF {number}": Case(encoded(rgb, "PNG", exif=oriented(number)), upright(pixels))
            for number, upright in UPRIGHT.items()
        },
    }


def _jpeg() -> dict[str, Case]:
    rgb = Image.fromarray(scene())
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    bodies = {
        "JPEG RGB": encoded(rgb, "JPEG"),
        "JPEG 4:4:4": encoded(rgb, "JPEG", subsampling=0),
        "JPEG gray": encoded(rgb.convert("L"), "JPEG"),
        "JPEG CMYK": encoded(rgb.convert("CMYK"), "JPEG"),
        "JPEG progressive": encoded(rgb, "JPEG", progressive=True),
        "JPEG with ICC profile": encoded(rgb, "JPEG", icc_profile=profile),
        "JPEG of two images (MPO)": encoded(rgb, "MPO", save_all=True, append_images=[Image.new("RGB", rgb.size)]),
        "JPEG EXIF unreadable": encoded(rgb, "JPEG", exif=b"Exif\x00\x00garbage"),
    }
    turned = {f"JPEG EXIF {number}": encoded(rgb, "JPEG", exif=oriented(number)) for number in UPRIGHT}
    return {
        **{name: Case(body, by_pillow(body)) for name, body in bodies.items()},
        **{
            name: Case(body, np.ascontiguousarray(UPRIGHT[int(name[-1])](by_pillow(body))))
            for name, body in turned.items()
        },
        "JPEG XMP 6": Case(body := encoded(rgb, "JPEG", xmp=XMP), UPRIGHT[6](by_pillow(body))),
    }


def _webp() -> dict[str, Case]:
    pixels, rgb = scene(), Image.fromarray(scene())
    alpha = rgb.copy()
    alpha.putalpha(Image.linear_gradient("L").resize(rgb.size))
    other = [Image.fromarray(255 - pixels)]
    lossy = encoded(rgb, "WEBP")
    return {
        "WebP": Case(lossy, by_pillow(lossy)),
        "WebP lossless": Case(encoded(rgb, "WEBP", lossless=True), pixels),
        "WebP RGBA": Case(encoded(alpha, "WEBP", lossless=True, exact=True), pixels),
        "WebP animated": Case(encoded(rgb, "WEBP", save_all=True, append_images=other, lossless=True), pixels),
        "WebP EXIF 6": Case(encoded(rgb, "WEBP", lossless=True, exif=oriented(6)), UPRIGHT[6](pixels)),
    }


def _refused() -> dict[str, Case]:
    rgb = Image.fromarray(scene())
    whole = {kind: encoded(rgb, kind) for kind in ("JPEG", "PNG", "WEBP")}
    progressive = encoded(rgb, "JPEG", progressive=True)
    bits = bytearray(whole["PNG"])
    bits[-30] ^= 0xFF
    gif = encoded(rgb, "GIF")
    return {
        "half a JPEG": Case(whole["JPEG"][: len(whole["JPEG"]) // 2], None, "corrupt_image: the JPEG data is"),
        "JPEG less its end": Case(whole["JPEG"][:-2], None, "corrupt_image: the JPEG data is damaged or truncated"),
        "half a progressive JPEG": Case(progressive[: len(progressive) // 2], None, "corrupt_image: the JPEG data is"),
        "half a PNG": Case(whole["PNG"][: len(whole["PNG"]) // 2], None, "corrupt_image: the PNG data is damaged"),
        "PNG with a wrong byte": Case(bytes(bits), None, "corrupt_image: the PNG data is damaged or truncated"),
        "half a WebP": Case(whole["WEBP"][: len(whole["WEBP"]) // 2], None, "not_an_image: the "),
        "GIF": Case(gif, None, f"not_an_image: the {len(gif)} bytes are none of JPEG, PNG, WEBP"),
        "TIFF of mode F": Case(encoded(Image.fromarray(deep().astype(np.float32)), "TIFF"), None, "not_an_image: the "),
        "no byte": Case(b"", None, "empty_image: the image has 0 bytes"),
        "a text": Case(b"no image", None, "not_an_image: the 8 bytes are none of JPEG, PNG, WEBP"),
        "51 megapixels": Case(
            encoded(Image.new("1", (10_000, 5_100)), "PNG"),
            None,
            "image_too_large: 10000x5100 pixels, at most 50000000",
        ),
    }
