"""JPEGs by simplejpeg: the values that Pillow decodes, or nothing."""

import io
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("simplejpeg")

ODD = (101, 77)


@pytest.fixture(scope="module")
def turbo(decoding: ModuleType) -> ModuleType:
    module = decoding.turbo
    assert isinstance(module, ModuleType)
    return module


def picture(width: int, height: int) -> Image.Image:
    x, y = np.meshgrid(np.linspace(0, 20, width), np.linspace(0, 15, height))
    waves = np.stack([np.sin(x * y / 9), np.cos(x), np.sin(y + x)], axis=2)
    grain = np.random.default_rng(0).normal(0, 9, waves.shape)
    return Image.fromarray((128 + 100 * waves + grain).clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def by_pillow(body: bytes, draft: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(body)) as image:
        if draft:
            image.draft(None, draft)
        return np.asarray(image.convert("RGB"))


BODIES = {
    **{f"4:{name}": encoded(picture(*ODD), subsampling=code) for name, code in [("4:4", 0), ("2:2", 1), ("2:0", 2)]},
    "grey": encoded(picture(*ODD).convert("L")),
    "progressive": encoded(picture(*ODD), progressive=True),
    "restarts": encoded(picture(*ODD), restart_marker_rows=1),
    "RGB inside": encoded(picture(*ODD), keep_rgb=True),
    "two pictures": encoded(picture(*ODD), "MPO", save_all=True, append_images=[picture(9, 9)]),
    "1x1": encoded(picture(1, 1)),
    "bytes behind the end": encoded(picture(*ODD)) + b"behind",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_values_are_pillows(turbo: ModuleType, body: bytes) -> None:
    expected = by_pillow(body)
    size = expected.shape[1::-1]
    assert (turbo.decode(body, size=size, reduced=size) == expected).all()


@pytest.mark.parametrize("scale", [2, 4, 8])
@pytest.mark.parametrize("size", [(640, 480), (641, 487)], ids=str)
def test_values_at_a_reduced_scale_are_pillows(turbo: ModuleType, size: tuple[int, int], scale: int) -> None:
    body = encoded(picture(*size))
    expected = by_pillow(body, (size[0] // scale, size[1] // scale))
    reduced = expected.shape[1::-1]
    assert reduced == tuple(-(-side // scale) for side in size)
    assert (turbo.decode(body, size=size, reduced=reduced) == expected).all()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(BODIES["4:2:0"][:-2], id="without its end"),
        pytest.param(BODIES["4:2:0"][:2000], id="truncated"),
        pytest.param(BODIES["progressive"][:2000], id="progressive, truncated"),
        pytest.param(BODIES["4:2:0"].replace(b"\xff\xda", b"x\xff\xda"), id="a stray byte"),
        pytest.param(encoded(picture(*ODD), "PNG"), id="a PNG"),
        pytest.param(b"\xff\xd8\xff", id="a start alone"),
    ],
)
def test_what_is_not_spotless_is_left_to_pillow(turbo: ModuleType, body: bytes) -> None:
    assert turbo.decode(body, size=ODD, reduced=ODD) is None


def test_nothing_larger_than_the_header_that_was_checked_is_decoded(turbo: ModuleType) -> None:
    assert turbo.decode(BODIES["4:2:0"], size=(100, 77), reduced=(100, 77)) is None


def test_without_the_package_all_is_left_to_pillow(turbo: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turbo, "simplejpeg", None)
    assert turbo.decode(BODIES["4:2:0"], size=ODD, reduced=ODD) is None


def verdict(pipeline: Any, rejected: type[Exception], body: bytes) -> tuple[str, bytes]:
    try:
        return "ok", pipeline.pixels(body).tobytes()
    except rejected as error:
        return str(error), b""


def test_mutated_jpegs_get_the_same_verdict_and_pixels_with_and_without(
    image_pipeline: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = image_pipeline.ImagePipeline(
        resize=36, crop=32, interpolation="bicubic", formats=("JPEG",), max_bytes=100_000, max_pixels=1_000_000
    )
    random = np.random.default_rng(7)
    bodies = []
    for index in range(400):
        body = bytearray(BODIES[list(BODIES)[index % len(BODIES)]])
        for place in random.integers(0, len(body), random.integers(1, 4)):
            body[place] = random.integers(0, 256)
        bodies.append(bytes(body[: random.integers(1, len(body))] if random.random() < 0.2 else body))
    fast = [verdict(pipeline, image_pipeline.ImageRejectedError, body) for body in bodies]
    used = sys.modules[image_pipeline.ImageDecoder.__module__].turbo
    monkeypatch.setattr(used, "simplejpeg", None)
    slow = [verdict(pipeline, image_pipeline.ImageRejectedError, body) for body in bodies]
    assert fast == slow
    codes = {words.split(":")[0] for words, _ in fast}
    assert codes >= {"ok", "corrupt_image", "not_an_image"}, "the mutations reach too little of the decoder"
