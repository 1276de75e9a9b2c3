"""Odd, hostile and oversized images, as bytes with a name each."""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from triptych_ops.photographs import PHOTOGRAPHS

MIB = 2**20
_SIDE = 7_000  # 49 megapixels, just within the limit
_ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
"""Where each pass of an interlaced PNG starts, and its steps: row, column (PNG specification, 8.1)."""


def photograph(size: tuple[int, int] = (400, 300)) -> Image.Image:
    """A cup of espresso."""
    with Image.open(PHOTOGRAPHS[1].path) as file:
        return file.convert("RGB").resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The image as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def valid() -> dict[str, bytes]:
    """Odd images that are whole; the reference has an answer to each."""
    rgb = photograph()
    alpha = rgb.copy()
    alpha.putalpha(Image.linear_gradient("L").resize(rgb.size))
    exif = {orientation: _oriented(orientation) for orientation in range(1, 9)}
    return {
        "CMYK JPEG": encoded(rgb.convert("CMYK"), "JPEG"),
        "grey JPEG": encoded(rgb.convert("L"), "JPEG"),
        "progressive JPEG": encoded(rgb, "JPEG", progressive=True),
        "RGB inside a JPEG": encoded(rgb, "JPEG", keep_rgb=True),
        "JPEG with restarts": encoded(rgb, "JPEG", restart_marker_rows=1),
        "two pictures in a JPEG": encoded(rgb, "MPO", save_all=True, append_images=[Image.new("RGB", (9, 9))]),
        "1-bit PNG": encoded(rgb.convert("1"), "PNG"),
        "palette + alpha PNG": encoded(alpha.quantize(200), "PNG"),
        "RGBA PNG": encoded(alpha, "PNG"),
        "grey + alpha PNG": encoded(alpha.convert("LA"), "PNG"),
        "16 bits a colour PNG": deep_png(rgb),
        "interlaced PNG": png(*rgb.size, depth=8, colour=2, rows=_adam7(rgb), interlaced=True),
        "animated PNG": encoded(rgb, "PNG", save_all=True, append_images=[Image.new("RGB", rgb.size)]),
        "animated WebP": encoded(rgb, "WEBP", save_all=True, append_images=[Image.new("RGB", rgb.size)]),
        "lossless WebP with alpha": encoded(alpha, "WEBP", lossless=True, exact=True),
        "JPEG and ZIP": encoded(rgb, "JPEG") + b"PK\x05\x06" + bytes(18),
        "JPEG and script": encoded(rgb, "JPEG", comment=b"<script>alert(1)</script><?php system('id');"),
        "PNG and PDF": encoded(rgb, "PNG") + b"%PDF-1.4\n%%EOF",
        **{f"EXIF {orientation} JPEG": encoded(rgb, "JPEG", exif=found) for orientation, found in exif.items()},
        "EXIF 6 PNG": encoded(rgb, "PNG", exif=exif[6]),
        "EXIF 6 WebP": encoded(rgb, "WEBP", exif=exif[6]),
        "16 bits of grey PNG": deep_grey_png(rgb),
        "EXIF that cannot be read": encoded(rgb, "JPEG", exif=b"Exif\x00\x00garbage"),
    }


def slivers() -> dict[str, bytes]:
    """Valid, of proportions that the reference has no memory for; any answer is right."""
    return {
        "1x100000 PNG": png(1, 100_000, depth=8, colour=2),
        "100000x1 PNG": png(100_000, 1, depth=8, colour=2),
        "1x65500 JPEG": encoded(Image.new("RGB", (1, 65_500), (9, 99, 199)), "JPEG"),
        "1x1 WebP": encoded(Image.new("RGB", (1, 1)), "WEBP"),
        "49 megapixels of PNG, 16 bits a colour": png(_SIDE, _SIDE, depth=16, colour=6),
        "49 megapixels of JPEG": encoded(Image.new("RGB", (_SIDE, _SIDE), (9, 99, 199)), "JPEG", progressive=True),
    }


def hostile() -> dict[str, tuple[bytes, str]]:
    """What is refused: the bytes, and the code."""
    rgb = photograph()
    kinds = {kind: encoded(rgb, kind) for kind in ("JPEG", "PNG", "WEBP")}
    return {
        "0 bytes": (b"", "empty_image"),
        "1 byte": (b"\xff", "not_an_image"),
        "SVG": (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", "not_an_image"),
        "SVG with an external entity": (
            b"<!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><svg>&x;</svg>",
            "not_an_image",
        ),
        "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n", "not_an_image"),
        "PDF": (encoded(rgb, "PDF"), "not_an_image"),
        "TIFF": (encoded(rgb, "TIFF"), "not_an_image"),
        "ICO": (encoded(rgb, "ICO"), "not_an_image"),
        "GIF": (encoded(rgb, "GIF"), "not_an_image"),
        "animated GIF": (encoded(rgb, "GIF", save_all=True, append_images=[photograph()]), "not_an_image"),
        "GIF that goes on as JPEG": (b"GIF89a" + kinds["JPEG"], "not_an_image"),
        "ZIP that goes on as PNG": (b"PK\x03\x04" + kinds["PNG"], "not_an_image"),
        "JPEG of 12 bits": (_twelve_bits(kinds["JPEG"]), "not_an_image"),
        "half a JPEG": (kinds["JPEG"][: len(kinds["JPEG"]) // 2], "corrupt_image"),
        "JPEG less its end": (kinds["JPEG"][:-2], "corrupt_image"),
        "half a PNG": (kinds["PNG"][: len(kinds["PNG"]) // 2], "corrupt_image"),
        "half a WebP": (kinds["WEBP"][: len(kinds["WEBP"]) // 2], "not_an_image"),
        "PNG of no pixels": (png(9, 9, depth=8, colour=2, rows=b""), "corrupt_image"),
        "20 MiB + 1 byte": (kinds["JPEG"] + bytes(20 * MIB + 1 - len(kinds["JPEG"])), "image_too_large"),
        # Each of these is small or within the limit, and kept a decoder busy for many seconds or for ever.
        "JPEG of 19 MiB of stray bytes": (b"\xff\xd8\xff\xe0\x00\x02" + b"x" * (19 * MIB), "corrupt_image"),
        "JPEG of a million EXIF segments": (
            b"\xff\xd8" + b"\xff\xe1\x00\x09Exif\x00\x00x" * 1_600_000,
            "corrupt_image",
        ),
        "PNG of a million chunks": (_chunky(), "corrupt_image"),
        "PNG of a million pieces of pixels": (_in_pieces(), "corrupt_image"),
        "JPEG of 2000 scans": (_scans(2_000), "image_too_large"),
    }


def bombs() -> dict[str, tuple[bytes, str]]:
    """What would unpack to far more than it is: the bytes, and the code."""
    jpeg, webp = encoded(photograph(), "JPEG"), encoded(photograph(), "WEBP", lossless=True)
    return {
        "PNG of 10000x10000 bits": (png(10_000, 10_000, depth=1, colour=0), "image_too_large"),
        "PNG header of 60000x60000": (png(60_000, 60_000, depth=8, colour=6, rows=b"x"), "image_too_large"),
        "PNG header of the largest sides": (png(2**31 - 1, 2**31 - 1, depth=8, colour=6, rows=b"x"), "image_too_large"),
        "PNG with 63 MiB of packed notes": (png(9, 9, depth=8, colour=2, notes_mib=63), "not_an_image"),
        "PNG with a packed profile of 1 GiB": (png(9, 9, depth=8, colour=2, profile_mib=1024), "not_an_image"),
        "JPEG header of 65500x65500": (_resized_jpeg(jpeg, 65_500), "image_too_large"),
        "progressive JPEG header of 65500x65500": (
            _resized_jpeg(encoded(photograph(), "JPEG", progressive=True), 65_500),
            "image_too_large",
        ),
        "lossless WebP header of 16384x16384": (_resized_webp(webp), "image_too_large"),
        "animated WebP header of 65535x65535": (_canvas(65_535), "image_too_large"),
        "GIF of 65535x65535": (b"GIF89a\xff\xff\xff\xff\x80\x00\x00" + bytes(6) + b"\x3b", "not_an_image"),
    }


def mutations(seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """So many damaged images, the same for a seed: bytes changed, stretches cut out or doubled."""
    random = np.random.default_rng(seed)
    small = photograph((64, 48))
    exif = _oriented(6)
    originals = {
        "JPEG": encoded(small, "JPEG", exif=exif),
        "progressive JPEG": encoded(small, "JPEG", progressive=True),
        "CMYK JPEG": encoded(small.convert("CMYK"), "JPEG"),
        "PNG": encoded(small, "PNG", exif=exif),
        "palette PNG": encoded(small.quantize(32), "PNG"),
        "WebP": encoded(small, "WEBP", exif=exif),
        "lossless WebP": encoded(small, "WEBP", lossless=True),
        "animated WebP": encoded(small, "WEBP", save_all=True, append_images=[Image.new("RGB", small.size)]),
    }
    names = list(originals)
    for index in range(count):
        name = names[index % len(names)]
        yield f"{name} {index}", _mutated(originals[name], random)


def png(
    width: int,
    height: int,
    *,
    depth: int,
    colour: int,
    rows: bytes | None = None,
    interlaced: bool = False,
    notes_mib: int = 0,
    profile_mib: int = 0,
) -> bytes:
    """A PNG; black where no rows, each with its filter byte, are given; notes and profile are unpacked sizes."""
    bits = depth * {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    packer = zlib.compressobj()
    if rows is None:
        row = bytes(1 + -(-width * bits // 8))
        packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    else:
        packed = packer.compress(rows) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    note = chunk(b"zTXt", b"note\x00\x00" + zlib.compress(bytes(MIB - 1)))
    profile = chunk(b"iCCP", b"profile\x00\x00" + zeros(profile_mib)) if profile_mib else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + profile
        + note * notes_mib
        + chunk(b"IDAT", packed)
        + chunk(b"IEND", b"")
    )


def zeros(mib: int) -> bytes:
    """So much of nothing, packed."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(MIB)) for _ in range(mib)) + packer.flush()


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def deep_png(image: Image.Image) -> bytes:
    """A colour PNG of 16 bits, which Pillow does not write."""
    rows = b"".join(b"\x00" + row.tobytes() for row in (np.asarray(image).astype(np.uint16) * 257).astype(">u2"))
    return png(*image.size, depth=16, colour=2, rows=rows)


def deep_grey_png(image: Image.Image) -> bytes:
    """A grey PNG of 16 bits."""
    return encoded(Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257), "PNG")


def _adam7(image: Image.Image) -> bytes:
    """The rows of the seven passes of an interlaced PNG."""
    pixels = np.asarray(image)
    return b"".join(b"\x00" + row.tobytes() for y, x, dy, dx in _ADAM7 for row in pixels[y::dy, x::dx])


def _oriented(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def _twelve_bits(jpeg: bytes) -> bytes:
    place = jpeg.index(b"\xff\xc0") + 4
    return jpeg[:place] + b"\x0c" + jpeg[place + 1 :]


def _resized_jpeg(jpeg: bytes, side: int) -> bytes:
    place = max(jpeg.find(b"\xff\xc0"), jpeg.find(b"\xff\xc2")) + 5
    return jpeg[:place] + struct.pack(">HH", side, side) + jpeg[place + 4 :]


def _resized_webp(webp: bytes) -> bytes:
    place = webp.index(b"VP8L") + 9  # 14 bits of width - 1, 14 of height - 1
    (bits,) = struct.unpack("<I", webp[place : place + 4])
    return webp[:place] + struct.pack("<I", bits | 0x0FFFFFFF) + webp[place + 4 :]


def _canvas(side: int) -> bytes:
    """An animated WebP of one small picture on a large canvas."""
    small = Image.new("RGB", (8, 8))
    body = bytearray(encoded(small, "WEBP", save_all=True, append_images=[Image.new("RGB", (8, 8), (9, 9, 9))]))
    place = body.index(b"VP8X") + 12
    body[place : place + 6] = (side - 1).to_bytes(3, "little") * 2
    return bytes(body)


def _scans(count: int) -> bytes:
    """A progressive JPEG that asks to go over its 49 megapixels again and again, 20 bytes each time."""
    jpeg = encoded(Image.new("RGB", (_SIDE, _SIDE)), "JPEG", progressive=True)
    last = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    return jpeg[:-2] + last * count + jpeg[-2:]


def _chunky() -> bytes:
    body = png(9, 9, depth=8, colour=2)
    place = body.index(b"IDAT") - 4
    return body[:place] + chunk(b"teSt", b"") * 1_600_000 + body[place:]


def _in_pieces() -> bytes:
    """A good picture whose pixels come byte by byte."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (700, 700, 3), dtype=np.uint8)
    packed = zlib.compress(b"".join(b"\x00" + row.tobytes() for row in pixels), 0)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 700, 700, 8, 2, 0, 0, 0))
    pieces = b"".join(chunk(b"IDAT", packed[place : place + 1]) for place in range(1_400_000))
    return b"\x89PNG\r\n\x1a\n" + header + pieces + chunk(b"IDAT", packed[1_400_000:]) + chunk(b"IEND", b"")


def _mutated(original: bytes, random: np.random.Generator) -> bytes:
    body = bytearray(original)
    for place in random.integers(0, len(body), random.integers(1, 6)):
        body[place] = random.integers(0, 256)
    start, stop = sorted(random.integers(0, len(body), 2))
    if random.random() < 0.2:
        del body[start:stop]
    elif random.random() < 0.2:
        body[start:start] = body[start:stop]
    return _resealed(bytes(body))


def _resealed(body: bytes) -> bytes:
    """A PNG with right checksums again, else every mutation would end at them; other bytes as they are."""
    start, sealed = 8, body[:8]
    if not body.startswith(b"\x89PNG"):
        return body
    while start + 12 <= len(body):
        stop = start + 8 + int.from_bytes(body[start : start + 4], "big")
        sealed += chunk(body[start + 4 : start + 8], body[start + 8 : stop])
        start = stop + 4
    return sealed
