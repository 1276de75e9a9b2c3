"""How a folder of images is understood: classes, the parts of a split, and what belongs to neither."""

import os
import shutil
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from triptych_ops.errors import RefusedError, UsageError
from triptych_ops.training import Dataset, open_dataset
from triptych_ops.training.data.conversion import convert
from triptych_ops.training.data.findings import findings
from triptych_ops.training.data.inspection import inspect
from triptych_ops.training.data.structure import Layout, part_of_folder, part_of_shard

_FORMS = ("divided.h5", "divided.tfrecord", "divided.tar", "divided")


def divide(digits: Path, folder: Path, names: tuple[str, ...]) -> Path:
    """Copy every image into one of the folders `names`, below them into its class; most of them into the first."""
    for place in sorted(digits.iterdir()):
        for number, path in enumerate(sorted(place.iterdir())):
            target = folder / names[max(0, number % (len(names) + 2) - 2)] / place.name
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target / path.name)
    return folder


def _parts(dataset: Dataset) -> dict[str | None, int]:
    return Counter(sample.part for sample in dataset.samples)


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("Training", "Validation", "Testing"), ("TRAIN_SET", "dev", "test-images")]
)
def test_folders_with_the_names_of_parts_are_a_split(digits: Path, tmp_path: Path, names: tuple[str, ...]) -> None:
    dataset = open_dataset(divide(digits, tmp_path / "photos", names))
    assert dataset.classes == ("0", "1", "2", "3")
    assert dataset.layout == "splits"
    assert _parts(dataset) == {"train": 72, "validation": 24, "test": 24}
    assert all(part_of_folder(sample.name.split("/")[0]) == sample.part for sample in dataset.samples)


def test_two_parts_are_a_split_without_the_third(digits: Path, tmp_path: Path) -> None:
    assert open_dataset(divide(digits, tmp_path / "photos", ("train", "val"))).parts == ("train", "validation")


def test_classes_that_are_divided_within_are_a_split(digits: Path, tmp_path: Path) -> None:
    photos = divide(digits, tmp_path / "photos", ("train", "val", "test"))
    for path in sorted(photos.glob("*/*/*.png")):
        part, label = path.parts[-3:-1]
        (tmp_path / "turned" / label / part).mkdir(parents=True, exist_ok=True)
        path.rename(tmp_path / "turned" / label / part / path.name)
    layouts: tuple[Layout, ...] = ("auto", "splits")
    for layout in layouts:
        dataset = open_dataset(tmp_path / "turned", layout)
        assert _parts(dataset) == {"train": 72, "validation": 24, "test": 24}
    assert _parts(open_dataset(tmp_path / "turned", "pooled")) == {None: 120}
    assert open_dataset(tmp_path / "turned", "classes").layout == "classes"


def test_a_class_called_test_is_a_class(digits: Path, tmp_path: Path) -> None:
    """Beside other classes, and where it holds images themselves, a name says nothing."""
    photos = Path(shutil.copytree(digits, tmp_path / "photos"))
    (photos / "0").rename(photos / "test")
    (photos / "1").rename(photos / "train")
    assert open_dataset(photos).classes == ("2", "3", "test", "train")
    assert open_dataset(photos).parts == ()


@pytest.mark.parametrize(
    ("layout", "classes", "parts"),
    [("classes", ("test", "train"), 0), ("pooled", ("0", "1", "2", "3"), 0), ("splits", ("0", "1", "2", "3"), 2)],
)
def test_the_layout_can_be_named(
    digits: Path, tmp_path: Path, layout: Layout, classes: tuple[str, ...], parts: int
) -> None:
    dataset = open_dataset(divide(digits, tmp_path / "photos", ("train", "test")), layout)
    assert (dataset.layout, dataset.classes, len(dataset.parts)) == (layout, classes, parts)
    assert len(dataset) == 120


def _beside(photos: Path) -> None:
    shutil.copytree(photos / "val", photos / "extra")


def _unsorted(photos: Path) -> None:
    for path in sorted((photos / "test").glob("*/*")):
        path.rename(photos / "test" / f"{path.parent.name}-{path.name}")
    for path in sorted((photos / "test").iterdir()):
        if path.is_dir():
            path.rmdir()


def _alone(photos: Path) -> None:
    shutil.rmtree(photos / "val")
    shutil.rmtree(photos / "test")


def _twice(photos: Path) -> None:
    shutil.copytree(photos / "val", photos / "Validation")


def _without_class(photos: Path) -> None:
    shutil.rmtree(photos / "val" / "2")


def _emptied(photos: Path) -> None:
    for path in (photos / "test" / "1").iterdir():
        path.unlink()


def _untrained(photos: Path) -> None:
    shutil.rmtree(photos / "train")


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (_beside, UsageError, "beside 'extra'; move 'extra' away, or, if all are classes, say so by --layout classes"),
        (_unsorted, UsageError, "'test' does not hold a folder of images for each class"),
        (_alone, UsageError, "holds 'train' alone, which is part of a split; name "),
        (_twice, RefusedError, "'Validation' and 'val' of .* are both the validation part"),
        (_without_class, RefusedError, "the class '2' of .* has images in 'test' but none in 'val'"),
        (_emptied, RefusedError, "the class '1' of .* has images in 'train' but none in 'test'"),
        (_untrained, RefusedError, "has 'test', 'val' but no training part"),
    ],
)
def test_what_is_neither_classes_nor_a_split_is_refused(
    digits: Path, tmp_path: Path, change: object, error: type[Exception], words: str
) -> None:
    photos = divide(digits, tmp_path / "photos", ("train", "val", "test"))
    assert callable(change)
    change(photos)
    with pytest.raises(error, match=words) as raised:
        open_dataset(photos)
    assert "\n" not in str(raised.value)


def test_files_of_systems_are_skipped_by_name(digits: Path, tmp_path: Path) -> None:
    photos = Path(shutil.copytree(digits, tmp_path / "photos"))
    image = next((photos / "0").iterdir())
    for place in ("@eaDir", "0/@eaDir", "1/.thumbnails", "__MACOSX/0", ".ipynb_checkpoints", "#recycle", "lost+found"):
        (photos / place).mkdir(parents=True)
        shutil.copy(image, photos / place / image.name)
    (photos / "2" / "Thumbs.db").write_bytes(b"x")
    dataset = open_dataset(photos)
    assert dataset.classes == ("0", "1", "2", "3")
    assert len(dataset) == 120
    assert dataset.ignored == ()
    assert {name.rpartition(" (")[0] for name in dataset.skipped} == {
        "#recycle",
        ".ipynb_checkpoints",
        "0/@eaDir",
        "1/.thumbnails",
        "2/Thumbs.db",
        "@eaDir",
        "__MACOSX",
        "lost+found",
    }
    assert {finding.code for finding in findings(inspect(dataset))} == {"system file"}


@pytest.mark.parametrize("other", [unicodedata.normalize("NFD", "Café"), "CAFÉ", " Café", "Caf\N{ZERO WIDTH SPACE}é"])
def test_classes_that_look_alike_are_refused_with_both_names(digits: Path, tmp_path: Path, other: str) -> None:
    photos = Path(shutil.copytree(digits, tmp_path / "photos"))
    (photos / "0").rename(photos / "Café")
    (photos / "1").rename(photos / other)
    with pytest.raises(RefusedError, match="look alike; put their images into one class, or rename one") as raised:
        open_dataset(photos)
    assert ascii("Café") in str(raised.value)
    assert ascii(other) in str(raised.value)


def test_single_letters_may_differ_in_case(digits: Path, tmp_path: Path) -> None:
    """They are classes of data sets of handwriting."""
    photos = Path(shutil.copytree(digits, tmp_path / "photos"))
    (photos / "0").rename(photos / "a")
    (photos / "1").rename(photos / "A")
    assert open_dataset(photos).classes == ("2", "3", "A", "a")


@pytest.mark.parametrize("name", _FORMS)
def test_parts_are_kept_by_a_conversion(digits: Path, tmp_path: Path, name: str) -> None:
    source = open_dataset(divide(digits, tmp_path / "photos", ("train", "val", "test")))
    convert(source, tmp_path / "converted" / name)
    again = open_dataset(tmp_path / "converted" / name)
    assert again.layout == "splits"
    assert Counter((sample.part, sample.label, sample.read()) for sample in again.samples) == Counter(
        (sample.part, sample.label, sample.read()) for sample in source.samples
    )
    assert open_dataset(tmp_path / "converted" / name, "pooled").parts == ()


@pytest.mark.parametrize("suffix", [".tar", ".tfrecord"])
def test_the_names_of_shards_are_parts(digits: Path, tmp_path: Path, suffix: str) -> None:
    photos = divide(digits, tmp_path / "photos", ("train", "val"))
    shards = tmp_path / "shards"
    for part in ("train", "val"):
        convert(open_dataset(photos / part), shards / f"{part}-00000-of-00001{suffix}")
    dataset = open_dataset(shards)
    assert _parts(dataset) == {"train": 92, "validation": 28}
    (shards / f"val-00000-of-00001{suffix}").rename(shards / f"more{suffix}")
    assert open_dataset(shards).parts == ()


@pytest.mark.parametrize(
    ("name", "part"),
    [("train-000.tar", "train"), ("val.tfrecord-0", "validation"), ("Test_1.tar", "test"), ("trainers-1.tar", None)],
)
def test_the_part_of_a_shard_is_a_whole_word(name: str, part: str | None) -> None:
    assert part_of_shard(name) == part


def test_links_to_folders_are_followed_above_the_images_alone(digits: Path, tmp_path: Path) -> None:
    """Splits are often folders of links; a link within a class could lead in a circle."""
    (tmp_path / "photos").mkdir()
    for label in ("0", "1"):
        (tmp_path / "photos" / label).symlink_to(digits / label)
    assert len(open_dataset(tmp_path / "photos")) == 60
    copy = Path(shutil.copytree(digits, tmp_path / "copy"))
    (copy / "0" / "circle").symlink_to(copy)
    assert len(open_dataset(copy)) == 120
    for part in ("train", "val"):
        (tmp_path / "divided" / part).mkdir(parents=True)
        for label in ("0", "1"):
            (tmp_path / "divided" / part / label).symlink_to(digits / label)
    assert open_dataset(tmp_path / "divided").parts == ("train", "validation")


def test_a_name_that_is_no_text_and_a_thousand_folders_are_no_traceback(digits: Path, tmp_path: Path) -> None:
    photos = Path(shutil.copytree(digits, tmp_path / "photos"))
    place = os.open(photos / "0", os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=place)
        inner = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    os.close(place)
    try:
        assert len(open_dataset(photos)) == 120
    finally:
        for depth in range(1500, 0, -1):  # which pytest could not remove
            (photos / "0" / Path(*["d"] * depth)).rmdir()
    image = next((photos / "1").iterdir())
    image.rename(os.fsdecode(bytes(photos / "1") + b"/\xff.png"))
    with pytest.raises(RefusedError, match=r"the file name '1/\\udcff.png' in .* is no UTF-8; rename it"):
        open_dataset(photos)
