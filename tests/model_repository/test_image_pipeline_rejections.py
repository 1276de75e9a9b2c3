"""What the server refuses to decode, and that nothing else than a refusal comes out."""

import io
import json
import struct
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

SIDE = 8
MAX_PIXELS = 1_000_000


def encoded(kind: str, *, size: tuple[int, int] = (24, 20), **options: Any) -> bytes:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def half(body: bytes) -> bytes:
    return body[: len(body) // 2]


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int) -> bytes:
    """A PNG whose header promises these sides, and that has hardly any pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\x00")) + chunk(b"IEND", b"")


def text_bomb() -> bytes:
    """A good PNG with a note of 16 MiB, packed into 16 KiB, behind its pixels."""
    end = chunk(b"IEND", b"")
    return encoded("PNG").removesuffix(end) + chunk(b"zTXt", b"note\x00\x00" + zlib.compress(bytes(2**24))) + end


def notes(count: int) -> bytes:
    """A good PNG that begins with so many notes of 1 MiB, packed into 1 KiB each."""
    body = encoded("PNG")
    place = body.index(b"IDAT") - 4
    return body[:place] + chunk(b"zTXt", b"note\x00\x00" + zlib.compress(bytes(2**20 - 1))) * count + body[place:]


def in_chunks(count: int) -> bytes:
    """A good PNG that begins with so many empty chunks."""
    body = encoded("PNG")
    place = body.index(b"IDAT") - 4
    return body[:place] + chunk(b"teSt", b"") * count + body[place:]


def in_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes so many times more."""
    body = encoded("JPEG", progressive=True)
    last = body[body.rindex(b"\xff\xda") : -2]
    return body[:-2] + last * count + body[-2:]


def jpeg(width: int, height: int) -> bytes:
    """A JPEG whose frame header promises these sides."""
    body = bytearray(encoded("JPEG"))
    start = body.index(b"\xff\xc0") + 5
    body[start : start + 4] = struct.pack(">HH", height, width)
    return bytes(body)


def pipeline(module: ModuleType, **changes: Any) -> Any:
    definition = {
        "resize": SIDE + 1,
        "crop": SIDE,
        "interpolation": "bicubic",
        "formats": ("JPEG", "PNG", "WEBP"),
        "max_bytes": 100_000,
        "max_pixels": MAX_PIXELS,
    }
    return module.ImagePipeline(**(definition | changes))


def refusal(module: ModuleType, body: bytes, **changes: Any) -> Any:
    with pytest.raises(module.ImageRejectedError) as caught:
        pipeline(module, **changes).pixels(body)
    message = str(caught.value)
    assert message.startswith(f"{caught.value.code}: ")
    assert message.splitlines() == [message]
    return caught.value


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"", "empty_image", id="nothing"),
        pytest.param(bytes(range(256)), "not_an_image", id="garbage"),
        pytest.param(b"\x00", "not_an_image", id="one byte"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_an_image", id="SVG"),
        *[
            pytest.param(encoded(kind), "not_an_image", id=kind)
            for kind in ("GIF", "BMP", "TIFF", "PDF", "ICO", "PPM", "JPEG2000")
        ],
        *[
            pytest.param(encoded(kind)[:12], "not_an_image", id=f"{kind} cut off in its header")
            for kind in ("JPEG", "PNG", "WEBP")
        ],
        pytest.param(half(encoded("JPEG", size=(96, 96))), "corrupt_image", id="half a JPEG"),
        pytest.param(half(encoded("PNG")), "corrupt_image", id="half a PNG"),
        pytest.param(half(encoded("WEBP")), "not_an_image", id="half a WebP, whose header gives its length"),
        pytest.param(png(9, 9), "corrupt_image", id="PNG without its pixels"),
        pytest.param(text_bomb(), "corrupt_image", id="PNG with a bomb of text"),
        pytest.param(png(0, 9), "not_an_image", id="PNG of no width"),
        pytest.param(png(60_000, 60_000), "image_too_large", id="PNG header of 60000x60000"),
        pytest.param(png(2**31 - 1, 2**31 - 1), "image_too_large", id="PNG header of the largest sides"),
        pytest.param(png(1, MAX_PIXELS + 1), "image_too_large", id="PNG header of one pixel too many"),
        pytest.param(jpeg(60_000, 60_000), "image_too_large", id="JPEG header of 60000x60000"),
        pytest.param(bytes(100_001), "image_too_large", id="one byte too many"),
        pytest.param(in_chunks(2_000), "corrupt_image", id="PNG of 2000 chunks"),
        pytest.param(b"\xff\xd8\xff\xe0\x00\x02" + b"x" * 9_000, "corrupt_image", id="JPEG of stray bytes"),
        pytest.param(in_scans(100), "image_too_large", id="JPEG of 110 scans"),
        pytest.param(notes(9), "not_an_image", id="PNG with 9 MiB of packed notes"),
    ],
)
def test_what_is_no_acceptable_image_is_refused_with_a_code(image_pipeline: ModuleType, body: bytes, code: str) -> None:
    assert refusal(image_pipeline, body).code == code


def test_a_refusal_says_what_was_found_and_what_is_accepted(image_pipeline: ModuleType) -> None:
    message = "the 3 bytes are none of JPEG, PNG, WEBP"
    assert str(refusal(image_pipeline, b"abc")) == f"not_an_image: {message}"
    message = "60000x50000 pixels, at most 1000000 are accepted"
    assert str(refusal(image_pipeline, png(60_000, 50_000))) == f"image_too_large: {message}"
    message = "4 bytes, at most 3 are accepted"
    assert str(refusal(image_pipeline, b"abcd", max_bytes=3)) == f"image_too_large: {message}"
    assert str(refusal(image_pipeline, half(encoded("PNG")))).startswith("corrupt_image: the PNG data is damaged")


def test_limits_accept_what_just_keeps_them(image_pipeline: ModuleType) -> None:
    body = encoded("PNG", size=(24, 20))
    assert pipeline(image_pipeline, max_bytes=len(body), max_pixels=480).pixels(body).shape == (SIDE, SIDE, 3)
    assert refusal(image_pipeline, body, max_bytes=len(body) - 1).code == "image_too_large"
    assert refusal(image_pipeline, body, max_pixels=479).code == "image_too_large"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(in_chunks(400), id="PNG of 400 chunks"),
        pytest.param(in_scans(80), id="JPEG of 90 scans"),
        pytest.param(notes(7), id="PNG with 7 MiB of packed notes"),
        pytest.param(encoded("JPEG", comment=b"x" * 60_000), id="JPEG with a long comment"),
    ],
)
def test_unusual_but_harmless_images_are_accepted(image_pipeline: ModuleType, body: bytes) -> None:
    assert pipeline(image_pipeline).pixels(body).shape == (SIDE, SIDE, 3)


def test_only_the_formats_of_the_release_are_decoded(image_pipeline: ModuleType) -> None:
    assert refusal(image_pipeline, encoded("PNG"), formats=("JPEG",)).code == "not_an_image"
    assert pipeline(image_pipeline, formats=("GIF",)).pixels(encoded("GIF")).shape == (SIDE, SIDE, 3)


def test_a_message_of_several_lines_is_folded_into_one(image_pipeline: ModuleType) -> None:
    error = image_pipeline.ImageRejectedError("corrupt_image", "first\r\n  second\u2028third\n")
    assert str(error) == "corrupt_image: first second third"
    assert error.code == "corrupt_image"


def mutated(original: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes changed, and sometimes a stretch cut out or doubled."""
    body = bytearray(original)
    for place in rng.integers(0, len(body), rng.integers(1, 6)):
        body[place] = rng.integers(0, 256)
    start, stop = sorted(rng.integers(0, len(body), 2))
    if rng.random() < 0.2:
        del body[start:stop]
    elif rng.random() < 0.2:
        body[start:start] = body[start:stop]
    return resealed(bytes(body))


def resealed(body: bytes) -> bytes:
    """A PNG with right checksums again, else every mutation would end at them; other bytes as they are."""
    start, sealed = 8, body[:8]
    if not body.startswith(b"\x89PNG"):
        return body
    while start + 12 <= len(body):
        stop = start + 8 + int.from_bytes(body[start : start + 4], "big")
        sealed += chunk(body[start + 4 : start + 8], body[start + 8 : stop])
        start = stop + 4
    return sealed


def outcome(module: ModuleType, body: bytes) -> str:
    try:
        pixels = pipeline(module).pixels(body)
    except module.ImageRejectedError as error:
        return str(error)
    assert pixels.shape == (SIDE, SIDE, 3)
    assert pixels.dtype == np.uint8
    return "pixels: good"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_mutated_images_give_pixels_or_a_refusal_and_nothing_else(image_pipeline: ModuleType, kind: str) -> None:
    rng = np.random.default_rng(20)
    exif = Image.Exif()
    exif[0x0112] = 6
    original = encoded(kind, exif=exif)
    outcomes = [outcome(image_pipeline, mutated(original, rng)) for _ in range(200)]
    assert [message for message in outcomes if len(message.splitlines()) != 1] == []
    kinds = {message.split(": ")[0] for message in outcomes}
    assert len(kinds) >= 2, "all 200 mutations had the same outcome: they reach too little of the decoder"


def test_the_definition_is_read_from_the_file_of_the_release(image_pipeline: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "preprocessing.json"
    limits = {"formats": ["PNG"], "max_bytes": 5, "max_pixels": 6}
    definition = {"resize": 3, "crop": 2, "interpolation": "bilinear", "mean": [0, 0, 0], "limits": limits}
    path.write_text(json.dumps(definition), encoding="utf-8")
    assert image_pipeline.ImagePipeline.from_file(path) == image_pipeline.ImagePipeline(
        resize=3, crop=2, interpolation="bilinear", formats=("PNG",), max_bytes=5, max_pixels=6
    )
