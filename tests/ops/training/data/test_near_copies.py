"""One picture in several sizes and compressions is found, and different pictures are not taken for one."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from triptych_ops.decoding import decode
from triptych_ops.photographs import SCENES
from triptych_ops.training.data.near_copies import grey_view, near_copies


def _photographs() -> dict[str, Image.Image]:
    return {scene.name: Image.open(BytesIO(scene.path.read_bytes())) for scene in SCENES}


def _encoded(image: Image.Image, *, scale: float = 1.0, quality: int = 90, turned: bool = False) -> Image.Image:
    width, height = (max(8, round(side * scale)) for side in image.size)
    small = image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    exif = Image.Exif()
    if turned:
        small = small.transpose(Image.Transpose.ROTATE_90)
        exif[0x0112] = 6  # to be turned clockwise
    encoded = BytesIO()
    small.save(encoded, "JPEG", quality=quality, exif=exif)
    return decode(encoded.getvalue())


@pytest.mark.parametrize(
    "change",
    [{"quality": 50}, {"scale": 0.5}, {"scale": 0.25, "quality": 75}, {"scale": 1.5}, {"turned": True}],
    ids=lambda change: next(iter(change)),
)
def test_copies_of_photographs_are_found_and_others_are_not(change: dict[str, object]) -> None:
    views = {name: grey_view(image) for name, image in _photographs().items()}
    views = {name: view for name, view in views.items() if view}
    assert len(views) >= 5
    copies = {f"copy of {name}": grey_view(_encoded(_photographs()[name], **change)) for name in views}  # type: ignore[arg-type]
    assert sorted(near_copies(views | copies)) == sorted(tuple(sorted((f"copy of {name}", name))) for name in views)


def test_different_digits_are_different(digits: Path) -> None:
    views = {str(path): grey_view(Image.open(BytesIO(path.read_bytes()))) for path in digits.glob("*/*.png")}
    assert all(views.values())
    assert near_copies(views) == []


def test_images_of_one_colour_are_no_copies() -> None:
    views = {str(grey): grey_view(Image.new("L", (64, 64), grey)) for grey in (3, 4, 200)}
    assert near_copies(views) == []


def test_a_chain_of_copies_is_one_group() -> None:
    random = np.random.default_rng(0)
    first = random.integers(20, 230, 256).astype(np.uint8)
    views = {str(step): (first + step).tobytes() for step in range(0, 8, 2)}
    views["other"] = random.integers(20, 230, 256).astype(np.uint8).tobytes()
    assert near_copies(views) == [("0", "2", "4", "6")]
