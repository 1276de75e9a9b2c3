"""The serialised DALI graph, run on the CPU, against torchvision's transforms."""

import io
import re
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torchvision import transforms

from triptych_ops.export import dali_graph
from triptych_ops.export.dali_parity import compare_pixels
from triptych_ops.photographs import PHOTOGRAPHS
from triptych_ops.preprocessing import Preprocessing

pytest.importorskip("nvidia.dali")

Pixels = NDArray[np.uint8]

MEAN_TOLERANCE = 0.02
"""Of 255. Where the two libraries' arithmetic lies on different sides of a half, a pixel differs by one."""

# (width, height): the shape of a photograph, turned, small and scaled up, large, a sliver, already of the size
SIZES = [(600, 400), (400, 600), (120, 90), (2400, 1600), (1601, 2399), (1000, 257), (256, 256), (257, 301)]
CUTS = [(256, 224), (255, 224), (233, 200), (224, 224)]  # (resize, crop): the margin is even, odd, odd, none


def preprocessing(
    *, resize: int = 256, crop: int = 224, interpolation: Literal["bilinear", "bicubic"] = "bicubic"
) -> Preprocessing:
    return Preprocessing(resize=resize, crop=crop, interpolation=interpolation, mean=[0.5] * 3, std=[0.5] * 3)


def jpeg(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **({"quality": 90} | options))
    return buffer.getvalue()


def photograph(width: int, height: int) -> Image.Image:
    with Image.open(PHOTOGRAPHS[1].path) as file:
        return file.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)


def trained_on(body: bytes, definition: Preprocessing) -> Pixels:
    mode = transforms.InterpolationMode(definition.interpolation)
    cut = transforms.Compose([transforms.Resize(definition.resize, mode), transforms.CenterCrop(definition.crop)])
    with Image.open(io.BytesIO(body)) as file:
        return np.asarray(cut(ImageOps.exif_transpose(file).convert("RGB")))


def difference(folder: Path, body: bytes, definition: Preprocessing) -> NDArray[np.int16]:
    cpu, _ = dali_graph.serialise(definition, folder)
    (found,) = dali_graph.decode(cpu, [body])
    assert found.shape == (definition.crop, definition.crop, 3)
    assert found.dtype == np.uint8
    apart: NDArray[np.int16] = np.abs(found.astype(np.int16) - trained_on(body, definition))
    return apart


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_pixels_are_those_of_the_training_transforms(
    tmp_path: Path, size: tuple[int, int], interpolation: Literal["bilinear", "bicubic"]
) -> None:
    found = difference(tmp_path, jpeg(photograph(*size)), preprocessing(interpolation=interpolation))
    assert found.mean() < MEAN_TOLERANCE
    assert found.max() <= 2


@pytest.mark.parametrize("cut", CUTS, ids=str)
@pytest.mark.parametrize("size", [(301, 257), (257, 302), (333, 500)], ids=str)
def test_every_crop_starts_where_torchvisions_does(tmp_path: Path, size: tuple[int, int], cut: tuple[int, int]) -> None:
    found = difference(tmp_path, jpeg(photograph(*size)), preprocessing(resize=cut[0], crop=cut[1]))
    assert found.mean() < MEAN_TOLERANCE


def test_the_rows_of_a_photograph_more_than_twice_as_tall_as_wide_are_shrunk_first_as_by_pillow(tmp_path: Path) -> None:
    found = difference(tmp_path, jpeg(photograph(400, 1000)), preprocessing())
    assert found.mean() < MEAN_TOLERANCE  # in the other order, which rounds otherwise, it would be 0.15
    assert found.max() <= 2


def test_a_crop_beside_its_place_would_show(tmp_path: Path) -> None:
    definition, body = preprocessing(), jpeg(photograph(600, 400))
    cpu, _ = dali_graph.serialise(definition, tmp_path)
    (found,) = dali_graph.decode(cpu, [body])
    shifted = np.abs(found[:, 1:].astype(np.int16) - trained_on(body, definition)[:, :-1])
    assert shifted.mean() > 50 * MEAN_TOLERANCE


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photograph_stands_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = difference(tmp_path, jpeg(photograph(500, 333), exif=exif), preprocessing())
    assert found.mean() < MEAN_TOLERANCE


@pytest.mark.parametrize(
    "options",
    [{"subsampling": 0}, {"subsampling": 1}, {"subsampling": 2}, {"progressive": True}, {"keep_rgb": True}],
    ids=str,
)
def test_every_kind_of_jpeg_is_decoded_as_pillow_does(tmp_path: Path, options: dict[str, Any]) -> None:
    assert difference(tmp_path, jpeg(photograph(501, 333), **options), preprocessing()).mean() < MEAN_TOLERANCE


def test_grey_becomes_three_equal_channels(tmp_path: Path) -> None:
    cpu, _ = dali_graph.serialise(preprocessing(), tmp_path)
    (found,) = dali_graph.decode(cpu, [jpeg(photograph(500, 333).convert("L"))])
    assert (found == found[..., :1]).all()


def test_the_files_differ_in_nothing_but_the_device(tmp_path: Path) -> None:
    cpu, gpu = (path.read_bytes() for path in dali_graph.serialise(preprocessing(), tmp_path))
    words = [re.findall(rb"[A-Za-z_.]{3,}", body) for body in (cpu, gpu)]
    pairs = {(ours, theirs) for ours, theirs in zip(*words, strict=True) if ours != theirs}
    assert pairs == {(b"cpu", b"mixed"), (b"cpu", b"gpu")}


def test_equal_definitions_give_equal_bytes_that_name_no_folder(tmp_path: Path) -> None:
    first = [path.read_bytes() for path in dali_graph.serialise(preprocessing(), tmp_path)]
    assert [path.read_bytes() for path in dali_graph.serialise(preprocessing(), tmp_path)] == first
    other = [path.read_bytes() for path in dali_graph.serialise(preprocessing(interpolation="bilinear"), tmp_path)]
    assert other != first
    for body in first:
        assert b"dali_graph" not in body
        assert str(Path(dali_graph.__file__).parent).encode() not in body


def test_the_measure_is_over_all_images_and_counts_each_changed_class() -> None:
    found = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    expected = found.copy()
    expected[1] ^= 8  # eight more or less everywhere in the second
    measured = compare_pixels(found, expected, classify=lambda pixels: pixels.astype(np.int64).sum(axis=(1, 2, 3)))
    assert measured.images == 2
    assert measured.pixels_mean_difference == 4
    assert measured.pixels_max_difference == 8
    assert measured.top1_agreement == 0.5


def test_what_dali_cannot_decode_is_an_error(tmp_path: Path) -> None:
    cpu, _ = dali_graph.serialise(preprocessing(), tmp_path)
    with pytest.raises(RuntimeError):
        dali_graph.decode(cpu, [jpeg(photograph(300, 200))[:2000]])
    assert dali_graph.decode(cpu, [jpeg(photograph(300, 200))]).shape == (1, 224, 224, 3)
