"""Folders as people have them, and what is said of each."""

import os
import shutil
from pathlib import Path

import pytest

from triptych_ops.errors import MissingError, RefusedError, UsageError
from triptych_ops.training import open_dataset
from triptych_ops.training.data.findings import findings
from triptych_ops.training.data.inspection import inspect


@pytest.fixture
def photos(digits: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(digits, tmp_path / "photos"))


def _found(folder: Path) -> set[tuple[str, bool, str]]:
    return {(finding.code, finding.stops, finding.name) for finding in findings(inspect(open_dataset(folder)))}


def test_sound_images_have_no_findings(photos: Path) -> None:
    assert _found(photos) == set()
    inspect(open_dataset(photos)).require_usable()


def test_each_fault_is_found_and_named(photos: Path) -> None:
    first = {label: sorted((photos / label).iterdir()) for label in "0123"}
    (photos / "0" / "cut.png").write_bytes(first["0"][0].read_bytes()[:60])
    (photos / "0" / "empty.jpg").write_bytes(b"")
    (photos / "0" / "page.png").write_text("<html>404</html>")
    (photos / "1" / "copy.png").write_bytes(first["1"][0].read_bytes())
    (photos / "2" / "wrong.png").write_bytes(first["3"][0].read_bytes())
    (photos / "1" / "notes.txt").write_text("mine")
    for path in first["3"][2:]:
        path.unlink()
    assert _found(photos) == {
        ("unusable", True, "0/cut.png"),
        ("unusable", True, "0/empty.jpg"),
        ("unusable", True, "0/page.png"),
        ("copies", False, f"1/{first['1'][0].name}"),
        ("two classes", True, "2/wrong.png"),
        ("no image", False, "1/notes.txt"),
        ("small class", True, "3"),
        ("imbalance", False, "3"),
    }
    with pytest.raises(
        RefusedError,
        match=r"^3 of 97 images of .* cannot be used, first '0/cut.png': corrupt_image: the PNG data is",
    ):
        inspect(open_dataset(photos)).require_usable()


def test_an_image_that_no_server_takes_is_unusable(photos: Path) -> None:
    from PIL import Image

    Image.new("RGB", (8, 8)).save(photos / "0" / "moving.png", format="GIF")
    Image.new("L", (8000, 7000)).save(photos / "1" / "huge.png")
    size_bytes = (photos / "0/moving.png").stat().st_size
    faults = {picture.sample.name: picture.fault for picture in inspect(open_dataset(photos)).faulty}
    assert faults == {
        "0/moving.png": f"not_an_image: the {size_bytes} bytes are none of JPEG, PNG, WEBP",
        "1/huge.png": "image_too_large: 8000x7000 pixels, at most 50000000 are accepted",
    }


def test_hidden_files_are_passed_over(photos: Path) -> None:
    (photos / ".cache").mkdir()
    (photos / "0" / ".thumbnail.png").write_bytes(b"x")
    assert open_dataset(photos).classes == ("0", "1", "2", "3")
    assert len(open_dataset(photos)) == 120


def test_links_are_followed_and_each_file_keeps_its_name(photos: Path, tmp_path: Path) -> None:
    """Python's `rglob` passes over links to folders: of a class that is half linked, half was trained on."""
    names = {sample.name for sample in open_dataset(photos).samples}
    (photos / "0").rename(tmp_path / "elsewhere")
    (photos / "0").mkdir()
    (photos / "0" / "more").symlink_to(tmp_path / "elsewhere")
    (photos / "1").rename(tmp_path / "one")
    (photos / "1").symlink_to(tmp_path / "one")
    (photos / "2" / "deep").mkdir()
    (photos / "2" / "again").symlink_to(photos / "2" / "deep")
    (photos / "2" / "deep" / "circle").symlink_to(photos / "2")
    (photos / "2" / "up").symlink_to(photos)
    shutil.copy(next((photos / "3").iterdir()), photos / "2" / "deep" / "new.png")
    found = {sample.name for sample in open_dataset(photos).samples}
    assert found == {name.replace("0/", "0/more/", 1) if name[0] == "0" else name for name in names} | {
        "2/deep/new.png"
    }


def test_a_link_that_leads_nowhere_stops_a_training(photos: Path) -> None:
    """So git-annex and DVC leave an image that nobody has fetched: it was passed over without a word."""
    (photos / "0" / "unfetched.PNG").symlink_to("../.git/annex/objects/x")
    (photos / "0" / "notes.txt").symlink_to("nowhere")
    assert _found(photos) == {("unusable", True, "0/unfetched.PNG")}
    with pytest.raises(RefusedError, match=r"'0/unfetched.PNG': cannot be read: No such file or directory"):
        inspect(open_dataset(photos)).require_usable()
    (photos / "4").symlink_to("/mnt/gone/4")
    with pytest.raises(RefusedError, match=r"/4 is a link to what is not there, /mnt/gone/4; bring that back or"):
        open_dataset(photos)


@pytest.mark.parametrize("label", ["two\nlines", " ", "end\u2028line"])
def test_a_class_that_is_no_line_of_text_is_refused(photos: Path, label: str) -> None:
    (photos / "0").rename(photos / label)
    with pytest.raises(RefusedError, match="is no label: it must be one line of text; rename it"):
        open_dataset(photos)


def test_a_class_that_is_no_text_is_refused(photos: Path) -> None:
    os.rename(bytes(photos / "0"), bytes(photos) + b"/\xff\xfe")  # noqa: PTH104  bytes
    with pytest.raises(RefusedError, match=r"is no UTF-8; rename it"):
        open_dataset(photos)


def test_folders_that_cannot_be_trained_on_are_refused(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="there is nothing at"):
        open_dataset(tmp_path / "none")
    (tmp_path / "none").mkdir()
    with pytest.raises(MissingError, match="has no folder of a class"):
        open_dataset(tmp_path / "none")
    (tmp_path / "none" / "cat").mkdir()
    with pytest.raises(RefusedError, match="has one class only, 'cat'"):
        open_dataset(tmp_path / "none")
    (photos / "void").mkdir()
    with pytest.raises(RefusedError, match="the class 'void' is empty"):
        open_dataset(photos)
    with pytest.raises(UsageError, match="of no known form"):
        open_dataset(next((photos / "0").iterdir()))
