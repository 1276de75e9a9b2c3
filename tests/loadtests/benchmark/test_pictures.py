import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from loadtests.benchmark import pictures


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    gradient = np.linspace(0, 255, 60 * 80 * 3).reshape(60, 80, 3).astype(np.uint8)
    Image.fromarray(gradient).save(tmp_path / "coffee.png")
    Image.fromarray(gradient[..., 0]).save(tmp_path / "a-grey.jpg")
    (tmp_path / "notes.txt").write_text("no picture", encoding="utf-8")
    return tmp_path


def test_typical_pictures_are_the_same_each_time(photographs: Path) -> None:
    made = pictures.typical(photographs)
    assert made == pictures.typical(photographs)
    images = [Image.open(io.BytesIO(body)) for body in made]
    assert [(image.format, image.size, image.mode) for image in images] == [("JPEG", (500, 375), "RGB")] * 2


def test_the_camera_picture_has_twelve_megapixels_and_grain(photographs: Path) -> None:
    body = pictures.twelve_megapixels(photographs)
    with Image.open(io.BytesIO(body)) as image:
        assert image.size == (4000, 3000)
        patch = np.asarray(image.crop((0, 0, 64, 64)), dtype=np.float32)
    assert 1 < patch.std() < 10
    assert len(body) > 1_000_000


def test_the_checkout_has_photographs() -> None:
    assert (pictures.PHOTOGRAPHS / "coffee.png").is_file()
