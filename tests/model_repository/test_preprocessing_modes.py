"""Every way to resize x every resampler: the server's two and DALI on the CPU against torchvision's transforms."""

import io
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from torchvision import transforms

from triptych_ops.export import dali_graph
from triptych_ops.photographs import PHOTOGRAPHS
from triptych_ops.preprocessing import Interpolation, Preprocessing, Resize

Pixels = NDArray[np.uint8]
Decode = Callable[[list[bytes]], list[Pixels]]

CROP = 224
RESIZES: list[Resize] = [256, 224, (224, 224), (256, 256), (256, 320)]

# (width, height): all are decoded in full, so that resampling alone is compared
ODD_SHAPES = [(375, 500), (240, 400), (300, 900), (900, 300), (240, 1200), (1200, 240), (120, 90), (225, 227)]
TINY_SHAPES = [(1, 3), (3, 1), (1, 1), (12, 9), (40, 30)]
HUGE_SHAPES = [(4032, 3024), (2400, 3600), (6000, 1200), (1000, 3000)]

SERVER_MEAN, SERVER_MAX = 0.01, 2
"""Of 255, from torchvision, for images that are decoded in full. Rounding alone, whatever the way to resize."""

DALI_MEAN = 0.03
"""The same for DALI, whose bilinear filter rounds ties otherwise: 0.024 where it halves a side; else below 0.006."""

REDUCED_MEAN, REDUCED_MAX = 0.5, 8
"""The same for JPEGs that are decoded at a reduced scale; here 0.13 to 0.22, and 4."""


def jpeg(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90, **options)
    return buffer.getvalue()


def photographs() -> list[bytes]:
    bodies = []
    for photograph in PHOTOGRAPHS:
        with Image.open(photograph.path) as file:
            bodies.append(jpeg(file.convert("RGB")))
    return bodies


def shaped(sizes: list[tuple[int, int]]) -> list[bytes]:
    with Image.open(PHOTOGRAPHS[1].path) as file:
        image = file.convert("RGB")
    return [jpeg(image.resize(size, Image.Resampling.BICUBIC)) for size in sizes]


def trained_on(body: bytes, definition: Preprocessing) -> NDArray[np.int64]:
    mode = transforms.InterpolationMode(definition.interpolation)
    cut = transforms.Compose([transforms.Resize(definition.resize, mode), transforms.CenterCrop(definition.crop)])
    with Image.open(io.BytesIO(body)) as file:
        return np.asarray(cut(file.convert("RGB"))).astype(np.int64)


def differences(decode: Decode, bodies: list[bytes], definition: Preprocessing) -> NDArray[np.int64]:
    expected = np.stack([trained_on(body, definition) for body in bodies])
    found: NDArray[np.int64] = np.abs(np.stack(decode(bodies)) - expected)
    return found


def server(image_pipeline: ModuleType, definition: Preprocessing, folder: Path) -> Decode:
    file = folder / "preprocessing.json"
    file.write_text(definition.model_dump_json())
    pipeline = image_pipeline.ImagePipeline.from_file(file)
    return lambda bodies: [pipeline.pixels(body) for body in bodies]


def dali(definition: Preprocessing, folder: Path) -> Decode:
    cpu, _ = dali_graph.serialise(definition, folder)
    return lambda bodies: list(dali_graph.decode(cpu, bodies))


@pytest.fixture(params=[f"{resize}-{name}" for name in get_args(Interpolation) for resize in map(str, RESIZES)])
def definition(request: pytest.FixtureRequest) -> Preprocessing:
    resize, _, interpolation = request.param.partition("-")
    chosen = next(each for each in RESIZES if str(each) == resize)
    return Preprocessing(resize=chosen, crop=CROP, interpolation=interpolation, mean=[0.5] * 3, std=[0.5] * 3)


@pytest.mark.parametrize("resampler", ["by_cykooz", "by_pillow"])
def test_the_server_resizes_as_torchvision(
    image_pipeline: ModuleType,
    definition: Preprocessing,
    resampler: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if resampler == "by_cykooz":
        pytest.importorskip("cykooz_resizer")
    resampling = image_pipeline.resampling
    monkeypatch.setattr(resampling, "_RESAMPLE", getattr(resampling, resampler))
    decode = server(image_pipeline, definition, tmp_path)
    for bodies in (photographs(), shaped(ODD_SHAPES), shaped(TINY_SHAPES)):
        found = differences(decode, bodies, definition)
        assert found.mean() < SERVER_MEAN
        assert found.max() <= SERVER_MAX


@pytest.mark.parametrize("resize", RESIZES, ids=str)
def test_a_huge_jpeg_is_decoded_at_a_scale_that_keeps_both_sides_large_enough(
    image_pipeline: ModuleType, resize: Resize, tmp_path: Path
) -> None:
    definition = Preprocessing(resize=resize, crop=CROP, interpolation="bicubic", mean=[0.5] * 3, std=[0.5] * 3)
    found = differences(server(image_pipeline, definition, tmp_path), shaped(HUGE_SHAPES), definition)
    assert found.mean() < REDUCED_MEAN
    assert found.max() <= REDUCED_MAX


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_turned_jpeg_keeps_enough_on_both_sides_for_an_exact_size(
    image_pipeline: ModuleType, orientation: int, tmp_path: Path
) -> None:
    """The scale is chosen before the image is turned, so either side may become the one that needs more pixels."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    definition = Preprocessing(resize=(224, 896), crop=CROP, interpolation="bicubic", mean=[0.5] * 3, std=[0.5] * 3)
    stored = Image.fromarray(np.random.default_rng(0).integers(0, 256, (1000, 4000, 3), dtype=np.uint8))
    upright = Image.open(io.BytesIO(jpeg(stored)))
    turned = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_270, 8: Image.Transpose.ROTATE_90}
    turn = turned[orientation]
    buffer = io.BytesIO()
    (upright if turn is None else upright.transpose(turn)).save(buffer, "PNG")
    decode = server(image_pipeline, definition, tmp_path)
    (found,) = decode([jpeg(stored, exif=exif)])
    assert np.abs(found - trained_on(buffer.getvalue(), definition)).max() <= SERVER_MAX


def test_dali_resizes_as_torchvision(definition: Preprocessing, tmp_path: Path) -> None:
    pytest.importorskip("nvidia.dali")
    decode = dali(definition, tmp_path)
    for bodies in (photographs(), shaped(ODD_SHAPES), shaped(HUGE_SHAPES)):
        found = differences(decode, bodies, definition)
        assert found.mean() < DALI_MEAN
        assert found.max() <= SERVER_MAX


@pytest.mark.parametrize("interpolation", get_args(Interpolation))
@pytest.mark.parametrize("side", [32, 64, 224])
def test_dali_leaves_what_is_beyond_the_border_out_as_torchvision_does(
    side: int, interpolation: Interpolation, tmp_path: Path
) -> None:
    """Where it repeated the last pixel, sides of 64 would be 0.05 apart in the mean, and tiny images 0.75."""
    pytest.importorskip("nvidia.dali")
    exact = Preprocessing(resize=(side, side), crop=side, interpolation=interpolation, mean=[0.5] * 3, std=[0.5] * 3)
    decode = dali(exact, tmp_path)
    for bodies in (photographs(), shaped(ODD_SHAPES), shaped(TINY_SHAPES)):
        found = differences(decode, bodies, exact)
        assert found.mean() < SERVER_MEAN
        assert found.max() <= SERVER_MAX


def test_the_other_way_to_resize_would_show(image_pipeline: ModuleType, tmp_path: Path) -> None:
    exact = Preprocessing(resize=(224, 224), crop=CROP, interpolation="bicubic", mean=[0.5] * 3, std=[0.5] * 3)
    shorter = exact.model_copy(update={"resize": 224})
    found = differences(server(image_pipeline, shorter, tmp_path), photographs(), exact)
    assert found.mean() > 1000 * SERVER_MEAN
