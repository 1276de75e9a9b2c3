"""The fast resampler against Pillow's."""

from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

SIDE = 32
SIZES = [(36, 36), (300, 200), (501, 333), (60, 75), (47, 33), (90, 400), (1, 1), (2, 300), (300, 1), (5, 7)]


@pytest.fixture(scope="module")
def resampling(image_pipeline: ModuleType) -> ModuleType:
    module = image_pipeline.resampling
    assert isinstance(module, ModuleType)
    return module


def noise(width: int, height: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear", "lanczos"])
@pytest.mark.parametrize("resize", [36, (36, 36), (32, 32), (36, 50)], ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_both_resamplers_give_the_same_but_for_rounding(
    resampling: ModuleType, size: tuple[int, int], resize: int | tuple[int, int], interpolation: str
) -> None:
    pytest.importorskip("cykooz_resizer")
    pixels = noise(*size)
    box = resampling.crop_box(size, resize=resize, crop=SIDE)
    fast = resampling.by_cykooz(pixels, box, SIDE, interpolation).astype(int)
    slow = resampling.by_pillow(pixels, box, SIDE, interpolation)
    assert fast.shape == slow.shape == (SIDE, SIDE, 3)
    assert np.abs(fast - slow).max() <= 1
    assert np.abs(fast - slow).mean() < 0.1  # most where the ratio makes ties: 0.07 from 60 to 36 pixels


@pytest.mark.parametrize("name", ["by_cykooz", "by_pillow"])
def test_an_image_and_its_pixels_give_the_same(resampling: ModuleType, name: str) -> None:
    if name == "by_cykooz":
        pytest.importorskip("cykooz_resizer")
    pixels = noise(101, 77)
    box = resampling.crop_box((101, 77), resize=36, crop=SIDE)
    resample = getattr(resampling, name)
    of_pixels = resample(pixels, box, SIDE, "bicubic")
    assert (of_pixels == resample(Image.fromarray(pixels), box, SIDE, "bicubic")).all()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_plan_takes_a_part_of_the_picture_and_ends_in_the_square(
    resampling: ModuleType, size: tuple[int, int]
) -> None:
    box = resampling.crop_box(size, resize=36, crop=SIDE)
    plan = resampling.plan(size, box, SIDE)
    left, top, right, bottom = plan.part
    assert 0 <= left < right <= size[0]
    assert 0 <= top < bottom <= size[1]
    assert left <= max(box[0], 0)
    assert bottom >= min(box[3], size[1])
    assert [step.size for step in plan.passes][1] == (SIDE, SIDE)


@pytest.mark.parametrize(("size", "first"), [((500, 375), "columns"), ((375, 900), "rows"), ((900, 375), "columns")])
def test_passes_are_in_the_order_that_pillow_takes(resampling: ModuleType, size: tuple[int, int], first: str) -> None:
    passes = resampling.plan(size, resampling.crop_box(size, resize=256, crop=224), 224).passes
    assert (passes[0].size[0] == 224) is (first == "columns")
    assert (passes[0].size[1] == 224) is (first == "rows")


@pytest.mark.parametrize("resize", [(224, 224), (256, 256), (256, 280), (300, 224)], ids=str)
@pytest.mark.parametrize("size", [(300, 376), (300, 378), (448, 672), (448, 674), (100, 225), (900, 1600)], ids=str)
def test_passes_of_an_exact_size_are_in_pillows_order(
    resampling: ModuleType, size: tuple[int, int], resize: tuple[int, int]
) -> None:
    """Noise, and Pillow's own two passes, tell the orders apart."""
    image, (height, width) = Image.fromarray(noise(*size)), resize
    bicubic = Image.Resampling.BICUBIC
    whole = np.asarray(image.resize((width, height), bicubic))
    rows_first = np.asarray(image.resize((size[0], height), bicubic).resize((width, height), bicubic))
    columns_first = np.asarray(image.resize((width, size[1]), bicubic).resize((width, height), bicubic))
    assert (rows_first == whole).all() != (columns_first == whole).all()
    passes = resampling.plan(size, resampling.crop_box(size, resize=resize, crop=224), 224).passes
    assert (passes[0].size[1] == 224) is bool((rows_first == whole).all())


def test_the_fast_resampler_is_used_where_it_is_installed(resampling: ModuleType) -> None:
    pytest.importorskip("cykooz_resizer")
    assert resampling.FAST
    assert resampling._RESAMPLE is resampling.by_cykooz
