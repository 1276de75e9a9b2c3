"""Each form gives back what a folder holds, to the byte, and foreign readers and writers agree."""

import gzip
import io
import resource
import struct
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New
from tensorboard.summary.writer.record_writer import RecordWriter

from triptych_ops.errors import MissingError, RefusedError, UsageError
from triptych_ops.training import Dataset, open_dataset
from triptych_ops.training.data.conversion import convert
from triptych_ops.training.data.example import encode_example, parse_example
from triptych_ops.training.data.inspection import inspect
from triptych_ops.training.data.tfrecord import _checksum

_FORMS = ("photos.h5", "photos.tfrecord", "photos.tar", "photos")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of three images, one with an odd name, in three formats."""
    random = np.random.default_rng(0)
    for label in ("cat", "Zürich, \N{SNOWMAN} [1]"):
        folder = tmp_path / "source" / label
        folder.mkdir(parents=True)
        for suffix in ("png", "jpg", "webp"):
            Image.fromarray(random.integers(0, 256, (9, 12, 3), dtype=np.uint8)).save(folder / f"one image.{suffix}")
    return tmp_path / "source"


def _content(dataset: Dataset) -> list[tuple[str, str, bytes]]:
    return [(sample.name, dataset.classes[sample.label], sample.read()) for sample in dataset.samples]


@pytest.mark.parametrize("name", _FORMS)
def test_what_is_converted_is_what_was_there(photos: Path, tmp_path: Path, name: str) -> None:
    source = open_dataset(photos)
    target = tmp_path / "converted" / name
    convert(source, target)
    again = open_dataset(target)
    assert (again.classes, _content(again)) == (source.classes, _content(source))
    back = tmp_path / "back"
    convert(again, back)
    assert _content(open_dataset(back)) == _content(source)
    assert not list(target.parent.glob("*.partial"))


# The library leaves its files to the collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_webdataset_library_reads_our_tar(photos: Path, tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    source = open_dataset(photos)
    convert(source, tmp_path / "photos.tar")
    found = list(webdataset.WebDataset(str(tmp_path / "photos.tar"), shardshuffle=False))
    assert [int(sample["cls"]) for sample in found] == [sample.label for sample in source.samples]
    assert [sample.get("png") or sample.get("jpg") or sample["webp"] for sample in found] == [
        sample.read() for sample in source.samples
    ]


def _tar(path: Path, *members: tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def test_names_with_dots_in_a_tar_are_samples_of_their_own(tmp_path: Path) -> None:
    """WebDataset calls all that follows the first dot the kind of a member, so `1.v2.png` was passed over silently."""
    members = [
        (f"d.v1/{name}{suffix}", content)
        for name, label in (("0", b"0"), ("1.v2", b"1"), ("1.v3", b"0"), ("IMG.2024.05.01", b"1"))
        for suffix, content in ((".PNG", name.encode()), (".cls", label))
    ]
    dataset = open_dataset(_tar(tmp_path / "photos.tar", *members))
    assert [(sample.name, sample.label, sample.read()) for sample in dataset.samples] == [
        ("photos.tar/d.v1/0", 0, b"0"),
        ("photos.tar/d.v1/1.v2", 1, b"1.v2"),
        ("photos.tar/d.v1/1.v3", 0, b"1.v3"),
        ("photos.tar/d.v1/IMG.2024.05.01", 1, b"IMG.2024.05.01"),
    ]


def test_further_images_of_a_sample_and_hidden_files_are_not_read(tmp_path: Path) -> None:
    members = [("0.png", b"a"), ("0.cls", b"0"), ("0.mask.png", b"m"), ("0.mask.json", b"{}"), ("._0.png", b"x")]
    members += [("1.v2.png", b"b"), ("1.v2.cls", b"1"), ("1.v2.mask.png", b"m")]
    dataset = open_dataset(_tar(tmp_path / "photos.tar", *members))
    assert [sample.read() for sample in dataset.samples] == [b"a", b"b"]


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([("0.png", b"a"), ("0.jpg", b"b"), ("0.cls", b"0")], "has two images called '0'; give each a name"),
        ([("0.png", b"a"), ("0.cls", b"0"), ("0.png", b"b")], "has two images called '0'; give each a name"),
        (
            [("0.input.png", b"a"), ("0.cls", b"0")],
            "names no class of '0.input'; each image needs a member",
        ),
    ],
)
def test_which_image_a_class_is_of_must_be_clear(tmp_path: Path, members: list[tuple[str, bytes]], words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        open_dataset(_tar(tmp_path / "photos.tar", *members, ("1.png", b"c"), ("1.cls", b"1")))


def test_tensorboards_reader_reads_our_records(photos: Path, tmp_path: Path) -> None:
    source = open_dataset(photos)
    convert(source, tmp_path / "photos.tfrecord")
    reader = PyRecordReader_New(str(tmp_path / "photos.tfrecord"))
    for sample in source.samples:
        reader.GetNext()  # checks the checksums
        assert parse_example(reader.record(), {"image/encoded"})["image/encoded"].content == sample.read()


def test_records_in_shards_of_another_writer_are_read(tmp_path: Path) -> None:
    """As TensorFlow's own sets are: classes counted from 1, with names of classes but none of images."""
    for shard in range(2):
        with (tmp_path / f"train.tfrecord-0000{shard}").open("wb") as file:
            writer = RecordWriter(file)
            for label in (1, 2):
                features = {"image/encoded": b"pixels %d" % shard, "image/class/label": label, "x": b"else"}
                writer.write(encode_example(features | {"image/class/text": b"class %d" % label}))
            writer.flush()
    dataset = open_dataset(tmp_path)
    assert dataset.classes == ("class 1", "class 2")
    assert [(sample.label, sample.read()) for sample in dataset.samples] == [
        (0, b"pixels 0"),
        (1, b"pixels 0"),
        (0, b"pixels 1"),
        (1, b"pixels 1"),
    ]


@pytest.mark.parametrize("shape", [(4, 5, 6), (4, 5, 6, 3)])
def test_pixels_in_hdf5_become_images(tmp_path: Path, shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    with h5py.File(tmp_path / "photos.h5", "w") as file:
        file["images"], file["labels"] = pixels, [0, 1, 1, 0]
    dataset = open_dataset(tmp_path / "photos.h5")
    convert(dataset, tmp_path / "folder")
    assert dataset.classes == ("0", "1")
    images = sorted((tmp_path / "folder").rglob("*.png"), key=lambda path: path.name)
    assert [path.parent.name for path in images] == ["0", "1", "1", "0"]
    np.testing.assert_array_equal(np.stack([np.asarray(Image.open(path)) for path in images]), pixels)


@pytest.mark.parametrize("name", ["photos.h5", "photos.tfrecord", "photos.tar"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.6])
def test_a_file_that_was_cut_is_refused(photos: Path, tmp_path: Path, name: str, share: float) -> None:
    convert(open_dataset(photos), tmp_path / name)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * share)])
    with pytest.raises((RefusedError, MissingError)) as raised:
        _content(open_dataset(tmp_path / name))
    assert name in str(raised.value)


def test_a_damaged_record_is_found_by_its_checksum(photos: Path, tmp_path: Path) -> None:
    convert(open_dataset(photos), tmp_path / "photos.tfrecord")
    content = bytearray((tmp_path / "photos.tfrecord").read_bytes())
    content[200] ^= 1
    (tmp_path / "photos.tfrecord").write_bytes(content)
    with pytest.raises(RefusedError, match=r"photos.tfrecord is damaged or cut short after byte 12"):
        open_dataset(tmp_path / "photos.tfrecord")


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
def test_compressed_records_are_not_called_damaged(
    photos: Path, tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    convert(open_dataset(photos), tmp_path / "photos.tfrecord")
    (tmp_path / "photos.tfrecord").write_bytes(compress((tmp_path / "photos.tfrecord").read_bytes()))
    with pytest.raises(RefusedError, match=r"photos\.tfrecord is compressed, .* decompress it first"):
        open_dataset(tmp_path / "photos.tfrecord")


def test_what_exists_is_not_replaced(photos: Path) -> None:
    with pytest.raises(UsageError, match="exists; name another"):
        convert(open_dataset(photos), photos)


@pytest.mark.parametrize("name", ["photos.zip", "photos.parquet"])
def test_an_unknown_form_is_refused(photos: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="of no known form"):
        convert(open_dataset(photos), tmp_path / name)
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(UsageError, match="of no known form"):
        open_dataset(tmp_path / name)


@pytest.mark.parametrize("shape", [(7, 10, 6), (7, 10, 6, 3)])
@pytest.mark.parametrize(
    "options",
    [
        {"compression": "gzip"},
        {"chunks": True, "shuffle": True, "fletcher32": True, "compression": "gzip"},
        {"chunks": True, "fletcher32": True},
    ],
    ids=["gzip", "all", "checksum"],
)
def test_pixels_in_chunks_are_those_that_the_library_reads(
    tmp_path: Path, shape: tuple[int, ...], options: dict[str, Any]
) -> None:
    """Chunks that divide no axis evenly, packed in each way that is read."""
    pixels = np.random.default_rng(0).integers(0, 9, shape, dtype=np.uint8)
    with h5py.File(tmp_path / "photos.h5", "w") as file:
        chunks = (3, 4, 4, 2)[: len(shape)]
        file.create_dataset("images", data=pixels, **(options | {"chunks": chunks}))
        file["labels"] = [0, 1, 1, 0, 1, 0, 0]
    dataset = open_dataset(tmp_path / "photos.h5")
    found = [np.asarray(Image.open(BytesIO(sample.read()))) for sample in dataset.samples]
    np.testing.assert_array_equal(np.stack(found), pixels)


def test_a_damaged_chunk_is_an_image_that_cannot_be_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "photos.h5", "w") as file:
        random = np.random.default_rng(0)
        pixels = random.integers(0, 256, (8, 16, 16), dtype=np.uint8)
        images = file.create_dataset("images", data=pixels, chunks=(1, 16, 16), compression="gzip")
        file["labels"] = [0, 1] * 4
        place = images.id.get_chunk_info(3).byte_offset
    content = bytearray((tmp_path / "photos.h5").read_bytes())
    content[place : place + 20] = bytes(20)
    (tmp_path / "photos.h5").write_bytes(content)
    (picture,) = inspect(open_dataset(tmp_path / "photos.h5")).faulty
    assert picture.sample.name == "00000003"
    assert "is damaged at byte" in (picture.fault or "")


@pytest.mark.parametrize("name", ["photos.tar", "photos.tfrecord", "photos"])
def test_an_image_that_claims_gigabytes_is_not_read(photos: Path, tmp_path: Path, name: str) -> None:
    """The file has holes, so that it takes no room; its size alone is what is refused."""
    if name == "photos":
        target = photos / "cat" / "huge.png"
        target.touch()
    else:
        convert(open_dataset(photos), tmp_path / name)
        target = tmp_path / name
    if name == "photos.tar":
        number, image = tarfile.TarInfo("99.cls"), tarfile.TarInfo("99.png")
        number.size, image.size = 1, 4 << 30
        with tarfile.open(target, "a") as archive:
            archive.addfile(number, BytesIO(b"7"))
            assert archive.fileobj
            archive.fileobj.write(image.tobuf())
    if name == "photos.tfrecord":
        length = struct.pack("<Q", 4 << 30)
        target.write_bytes(target.read_bytes() + length + _checksum(length))
    with target.open("r+b") as file:
        file.truncate(target.stat().st_size + (4 << 30) + 10_240)
    began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    source = photos if name == "photos" else target
    if name == "photos.tfrecord":
        with pytest.raises(RefusedError, match="has a record of 4,294,967,296 bytes, at most"):
            open_dataset(source)
    else:
        (picture,) = inspect(open_dataset(source)).faulty
        assert (picture.fault or "").endswith("bytes, a server takes 20,971,520")
        with pytest.raises(RefusedError, match=r"bytes, a server takes 20,971,520; reduce or remove it"):
            picture.sample.read()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - began < 100_000  # KiB


@pytest.mark.parametrize("name", ["../x.png", "cat/../x.png", "/cat/x.png", "cat//x.png", "cat/" + "x" * 300 + ".png"])
def test_names_that_lead_elsewhere_become_numbers(photos: Path, tmp_path: Path, name: str) -> None:
    source = open_dataset(photos)
    samples = (replace(source.samples[0], name=name), *source.samples[1:])
    convert(replace(source, samples=samples), tmp_path / "a" / "folder")
    assert len(open_dataset(tmp_path / "a" / "folder")) == len(source)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "source"}
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["folder"]
