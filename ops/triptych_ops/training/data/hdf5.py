"""HDF5 files of labelled images.

    classes   (C,) strings
    labels    (N,) integers
    names     (N,) strings
    parts     (N,) strings, only where the images are divided already: "train", "validation" or "test"
    images    (B,) uint8, contiguous: the encoded images one after the other
    offsets   (N + 1,) int64: where each of them begins, and the end

What others write is read as well where `images` is (N, H, W) or (N, H, W, 3) uint8, the pixels themselves, in one piece
or in chunks, as they are or packed by gzip; `classes` and `names` may then be missing.

The HDF5 library does not survive every damaged file, so a process of its own reads where the images lie
(`hdf5_index.py`), within limits of memory and time. This one reads their bytes without the library.
"""

import itertools
import json
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from triptych_ops.errors import MissingError, OpsError, RefusedError

from .content import Content, FileRange
from .dataset import Dataset, Sample
from .foreign import MOST_IMAGE_PIXELS, MOST_NAME_BYTES, refusing_damage
from .labelled import named_part
from .labels import require_labels
from .structure import Layout

SUFFIXES = frozenset({".h5", ".hdf5"})

_FORM: Final = "HDF5 file of labelled images"
_PROGRAM: Final = Path(__file__).with_name("hdf5_index.py")
_MEMORY_BYTES: Final = 256 << 20  # beside four times the size of the file, which names and places may need
_CPU_S: Final = 3  # beside a second for each of so many bytes:
_BYTES_A_CPU_S: Final = 10 << 20
_WALL_S: Final = 15  # for each of these seconds: processors are shared
_DEFLATE, _SHUFFLE, _FLETCHER32 = 1, 2, 3  # https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
_CHECKSUM_BYTES: Final = 4


@dataclass(frozen=True, eq=False)
class PixelArray:
    """An array of images (N, H, W) or (N, H, W, C), uint8, within a file: in one piece, or in chunks."""

    path: Path
    shape: tuple[int, ...]
    start: int = 0  # of the one piece
    chunk_shape: tuple[int, ...] = ()  # empty where it is one piece
    chunks: Mapping[tuple[int, ...], tuple[int, int, int]] | None = None  # coordinates -> start, size, filters left out
    filters: tuple[int, ...] = ()  # by which each chunk was packed, one after the other

    def row(self, index: int) -> NDArray[np.uint8]:
        """The pixels of one image.

        Raises:
            OSError: they cannot be read, or are damaged.
        """
        pixels = np.empty(self.shape[1:], np.uint8)
        if self.chunks is None:
            content = FileRange(self.path, self.start + index * pixels.size, pixels.size).read()
            if len(content) != pixels.size:
                raise OSError(f"{self.path} is cut short")
            return np.frombuffer(content, np.uint8).reshape(pixels.shape)
        first, *others = self.chunk_shape
        for corner in itertools.product(*map(range, itertools.repeat(0), pixels.shape, others)):
            chunk = self._chunk(self.chunks[(index - index % first, *corner)])[index % first]
            area = tuple(slice(at, at + side) for at, side in zip(corner, others, strict=True))
            inside = tuple(slice(0, side) for side in pixels[area].shape)
            pixels[area] = chunk[inside]
        return pixels

    def _chunk(self, place: tuple[int, int, int]) -> NDArray[np.uint8]:
        start, size_bytes, left_out = place
        content = FileRange(self.path, start, size_bytes).read()
        wanted = int(np.prod(self.chunk_shape))
        try:
            for number, packing in reversed(list(enumerate(self.filters))):
                if left_out >> number & 1:
                    continue
                if packing == _FLETCHER32:
                    content = content[:-_CHECKSUM_BYTES]
                elif packing == _DEFLATE:
                    content = zlib.decompressobj().decompress(content, wanted + _CHECKSUM_BYTES)
        except zlib.error as error:
            raise OSError(f"{self.path} is damaged at byte {start}") from error
        if len(content) != wanted:
            raise OSError(f"{self.path} is damaged at byte {start}")
        return np.frombuffer(content, np.uint8).reshape(self.chunk_shape)


@dataclass(frozen=True, slots=True)
class PixelRow:
    """One image of an array of pixels; it is encoded as PNG, which loses nothing."""

    pixels: PixelArray
    index: int

    @property
    def size_bytes(self) -> int:
        """0: the pixels are encoded when they are read, and their number has been bounded."""
        return 0

    def read(self) -> bytes:
        """The image as PNG."""
        encoded = BytesIO()
        Image.fromarray(self.pixels.row(self.index)).save(encoded, format="PNG", compress_level=1)
        return encoded.getvalue()


def read_hdf5(path: Path, layout: Layout = "auto") -> Dataset:
    """The labelled images of a file.

    Raises:
        MissingError: there is no image in it.
        RefusedError: it is damaged, laid out otherwise, or points at other files.
    """
    with refusing_damage(path, _FORM):
        return _dataset(path, _index(path), layout)


def write_hdf5(dataset: Dataset, path: Path) -> None:
    """Write all samples into one new file."""
    import h5py  # reading does without it

    text = h5py.string_dtype()
    with h5py.File(path, "w") as file:
        contents = [sample.read() for sample in dataset.samples]
        offsets = np.cumsum([0, *map(len, contents)], dtype=np.int64)
        images = file.create_dataset("images", (int(offsets[-1]),), np.uint8)
        for start, content in zip(offsets, contents, strict=False):
            images[start : start + len(content)] = np.frombuffer(content, np.uint8)
        file.create_dataset("offsets", data=offsets)
        file.create_dataset("labels", data=np.array([sample.label for sample in dataset.samples], np.int64))
        file.create_dataset("names", data=[sample.name for sample in dataset.samples], dtype=text)
        file.create_dataset("classes", data=list(dataset.classes), dtype=text)
        if dataset.parts:
            file.create_dataset("parts", data=[str(sample.part) for sample in dataset.samples], dtype=text)


def _index(path: Path) -> dict[str, Any]:
    """What `hdf5_index.py` reads of a file."""
    size_bytes = path.stat().st_size
    cpu_s = _CPU_S + size_bytes // _BYTES_A_CPU_S
    limits = {
        "memory_bytes": _MEMORY_BYTES + 4 * size_bytes,
        "cpu_s": cpu_s,
        "pixels": MOST_IMAGE_PIXELS,
        "name_bytes": MOST_NAME_BYTES,
    }
    command = [sys.executable, "-I", str(_PROGRAM), str(path), json.dumps(limits)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # threads take addresses
    try:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=_WALL_S * cpu_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise RefusedError(f"{path} is damaged: reading it does not end; copy it anew") from error
    if done.returncode < 0:
        raise RefusedError(
            f"{path} is damaged: reading it takes more than {cpu_s} s or much more memory than its size; copy it anew"
        )
    words = done.stderr.decode(errors="replace")
    if "ModuleNotFoundError" in words:
        raise OpsError("HDF5 files need the package h5py; run: pip install 'triptych[train]'")
    if done.returncode:
        raise ValueError(words.strip().rpartition("\n")[2] or "it cannot be read")
    answer: dict[str, Any] = json.loads(done.stdout)
    if refused := answer.get("refused"):
        raise RefusedError(f"{path} {refused}")
    if damaged := answer.get("damaged"):
        raise ValueError(damaged)
    return answer


def _dataset(path: Path, index: Mapping[str, Any], layout: Layout) -> Dataset:
    labels: list[int] = index["labels"]
    count = len(labels)
    if not count:
        raise MissingError(f"there is no image in {path}")
    largest = max(labels)
    if largest >= count:  # each class needs an image, so there are no more classes than images
        raise RefusedError(f"{path} has a label {largest}, but only {count} images; number the classes from 0")
    classes = index["classes"] or [str(label) for label in range(largest + 1)]
    names = index["names"] or [f"{number:08}" for number in range(count)]
    parts = index["parts"] or [""] * count
    require_labels(classes, source=str(path))
    contents = list(_contents(path, index))
    if not count == len(contents) == len(names) == len(parts) or min(labels) < 0 or largest >= len(classes):
        raise RefusedError(f"{path} has {len(contents)} images, {count} labels of {len(classes)} classes")
    rows = zip(names, labels, contents, map(named_part, parts), strict=True)
    return Dataset.of(path, "hdf5", classes, itertools.starmap(Sample, rows), layout=layout)


def _contents(path: Path, index: Mapping[str, Any]) -> Iterator[Content]:
    if found := index.get("pixels"):
        shape = tuple(found["shape"])
        axes = len(shape)
        chunks = {tuple(chunk[:axes]): tuple(chunk[axes:]) for chunk in found["chunks"]} if "chunks" in found else None
        pixels = PixelArray(
            path,
            shape,
            start=found.get("start", 0),
            chunk_shape=tuple(found.get("chunk_shape", ())),
            chunks=chunks,
            filters=tuple(found.get("filters", ())),
        )
        yield from (PixelRow(pixels, number) for number in range(shape[0]))
    else:
        for begin, end in itertools.pairwise(index["offsets"]):
            yield FileRange(path, index["start"] + begin, end - begin)
