from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from triptych_ops.builder import image_sets
from triptych_ops.builder.views import write_views
from triptych_ops.errors import MissingError, RefusedError, UsageError
from triptych_ops.photographs import SCENES


def test_a_folder_is_read_with_its_subfolders_by_suffix(tmp_path: Path) -> None:
    for name in ("dog/2.PNG", "cat/1.jpeg", "cat/0.webp", "notes.txt", ".hidden.jpg.part"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found = image_sets.from_folder(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in found.paths] == ["cat/0.webp", "cat/1.jpeg", "dog/2.PNG"]
    assert found.source == f"folder {tmp_path.name}"


def test_a_folder_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="file is no folder"):
        image_sets.from_folder(tmp_path / "file")
    with pytest.raises(MissingError, match="there is no folder"):
        image_sets.from_folder(tmp_path / "nowhere")
    with pytest.raises(MissingError, match=r"no image in .*; it needs files ending in .jfif, .jpe, .jpeg, .jpg"):
        image_sets.from_folder(tmp_path)


def test_a_sample_is_even_and_says_so() -> None:
    images = image_sets.ImageSet(tuple(Path(f"{number}.jpg") for number in range(10)), "folder x")
    assert image_sets.sample(images, most=10) == images
    few = image_sets.sample(images, most=4)
    assert [path.stem for path in few.paths] == ["0", "2", "5", "7"]
    assert few.source == "4 of 10 in folder x"


def test_what_the_reference_cannot_tell_apart_is_passed_over() -> None:
    images = image_sets.ImageSet(tuple(Path(f"{number}.jpg") for number in range(4)), "views")
    rows = [(0.5, 0.49, 0.01), (0.9, 0.05, 0.05), (0.1, 0.445, 0.455), (0.3, 0.33, 0.37)]
    kept, probabilities = image_sets.decided(images, np.array(rows, dtype=np.float64).astype(np.float32))
    assert [path.stem for path in kept.paths] == ["1", "3"]
    assert np.allclose(probabilities, [rows[1], rows[3]])
    assert kept.source == "views, less 2 on which torch is undecided"
    assert image_sets.decided(kept, probabilities)[0] == kept


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[image_sets.ImageSet, image_sets.ImageSet]:
    scratch = tmp_path_factory.mktemp("sets")
    return image_sets.for_gate(scratch, count=64), image_sets.for_calibration(scratch, count=64)


def test_the_bundled_sets_are_large_varied_and_apart(
    sets: tuple[image_sets.ImageSet, image_sets.ImageSet],
) -> None:
    gate, calibration = sets
    assert len(gate.paths) == len(calibration.paths) == 64
    bodies = [{path.read_bytes() for path in images.paths} for images in sets]
    assert [len(each) for each in bodies] == [64, 64]  # no image twice
    assert not bodies[0] & bodies[1]
    assert gate.source == f"4 photographs and 60 views of {len(SCENES)} photographs"
    sizes, formats = set(), set()
    for path in gate.paths:
        with Image.open(path) as image:
            sizes.add(image.size)
            formats.add(image.format)
    assert len(sizes) > 50
    assert formats == {"JPEG", "PNG", "WEBP"}


def test_the_same_seed_gives_the_same_views(tmp_path: Path, sets: tuple[image_sets.ImageSet, ...]) -> None:
    again = write_views(tmp_path, count=16, seed=2)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in sets[1].paths[:16]]


def test_a_reference_that_is_undecided_on_all_images_is_refused() -> None:
    images = image_sets.ImageSet((Path("0.jpg"), Path("1.jpg")), "2 views")
    rows = [(0.34, 0.33, 0.33), (0.335, 0.33, 0.335)]
    with pytest.raises(
        RefusedError, match=r"within 0\.02 of each other on all 2 views.*name images .* with --gate DIR"
    ):
        image_sets.decided(images, np.array(rows, dtype=np.float64).astype(np.float32))
    # The control: one image that it is sure of is enough to compare.
    rows[1] = (0.9, 0.05, 0.05)
    kept, _ = image_sets.decided(images, np.array(rows, dtype=np.float64).astype(np.float32))
    assert [path.stem for path in kept.paths] == ["1"]
