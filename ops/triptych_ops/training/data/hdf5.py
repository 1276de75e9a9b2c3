"""HDF5 files of labelled images.

    classes   (C,) strings
    labels    (N,) integers
    names     (N,) strings
    parts     (N,) strings, only where the images are divided already: "train", "validation" or "test"
    images    (B,) uint8, contiguous: the encoded images one after the other
    offsets   (N + 1,) int64: where each of them begins, and the end

What others write is read as well where `images` is (N, H, W) or (N, H, W, 3) uint8, the pixels themselves; `classes`
and `names` may then be missing.

An HDF5 file can point at other files, and can claim more data than any memory holds. So each data set is examined
before any of it is read: it lies in this file, and is no larger than its bytes can hold.
"""

import itertools
import math
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from triptych_ops.errors import RefusedError

from .content import Content, FileRange
from .dataset import Dataset, Sample
from .foreign import MOST_IMAGE_PIXELS, MOST_NAME_BYTES, refusing_damage
from .labelled import named_part
from .labels import require_labels
from .structure import Layout

SUFFIXES = frozenset({".h5", ".hdf5"})

_PIXEL_AXES = (3, 4)
_FORM: Final = "HDF5 file of labelled images"

# Deflate makes at most 1,032 bytes of one, and lzf, shuffle and checksums fewer. Others could make any number, or would
# be loaded from a library.
_MOST_EXPANSION: Final = 1100
_FILTERS: Final = frozenset({h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32, 32000})
_MOST_CHUNK_BYTES: Final = 64 << 20  # one chunk is unpacked whole for each image in it
_SLICE_BYTES: Final = 64 << 20  # of strings that are read at once


@dataclass(frozen=True, slots=True)
class PixelRow:
    """One image of an array of pixels; it is encoded as PNG, which loses nothing."""

    path: Path
    index: int

    @property
    def size_bytes(self) -> int:
        """0: the pixels are encoded when they are read, and their number has been bounded."""
        return 0

    def read(self) -> bytes:
        """The image as PNG."""
        with h5py.File(self.path, "r") as file:
            pixels = _data(file, "images", path=self.path)[self.index]
        encoded = BytesIO()
        Image.fromarray(np.asarray(pixels)).save(encoded, format="PNG", compress_level=1)
        return encoded.getvalue()


def read_hdf5(path: Path, layout: Layout = "auto") -> Dataset:
    """The labelled images of a file.

    Raises:
        RefusedError: it is damaged, laid out otherwise, or points at other files.
    """
    with refusing_damage(path, _FORM), h5py.File(path, "r") as file:
        return _dataset(path, file, layout)


def write_hdf5(dataset: Dataset, path: Path) -> None:
    """Write all samples into one new file."""
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


def _dataset(path: Path, file: Any, layout: Layout) -> Dataset:
    labels = _integers(file, "labels", path=path)
    count = len(labels)
    largest = int(labels.max(initial=0))
    if largest >= count:  # each class needs an image, so there are no more classes than images
        raise RefusedError(f"{path} has a label {largest}, but only {count} images; number the classes from 0")
    classes = _texts(file, "classes", path=path) or [str(label) for label in range(largest + 1)]
    names = _texts(file, "names", path=path) or [f"{index:08}" for index in range(count)]
    parts = _texts(file, "parts", path=path) or [""] * count
    require_labels(classes, source=str(path))
    contents = _contents(path, file)
    if not count == len(contents) == len(names) == len(parts) or labels.min(initial=0) < 0 or largest >= len(classes):
        raise RefusedError(f"{path} has {len(contents)} images, {count} labels of {len(classes)} classes")
    rows = zip(names, labels.tolist(), contents, map(named_part, parts), strict=True)
    return Dataset.of(path, "hdf5", classes, itertools.starmap(Sample, rows), layout=layout)


def _contents(path: Path, file: Any) -> list[Content]:
    images = _data(file, "images", path=path)
    if images.dtype == np.uint8 and images.ndim in _PIXEL_AXES and images.shape[3:] in ((), (3,), (4,)):
        height, width = images.shape[1:3]
        if not 0 < height * width <= MOST_IMAGE_PIXELS:
            raise RefusedError(f"{path} has images of {width} x {height} pixels, a server takes {MOST_IMAGE_PIXELS:,}")
        return [PixelRow(path, index) for index in range(len(images))]
    start = images.id.get_offset() if images.dtype == np.uint8 and images.ndim == 1 else None
    if start is None:
        raise RefusedError(f"{path} holds images as {images.dtype} {images.shape}; give pixels (N, H, W, 3) uint8")
    offsets = _integers(file, "offsets", path=path)
    if len(offsets) and (offsets[0] < 0 or offsets[-1] > images.size or (np.diff(offsets.astype(np.int64)) < 0).any()):
        raise RefusedError(f"{path} has offsets that do not rise from 0 to the end of its images; convert it anew")
    return [FileRange(path, start + begin, end - begin) for begin, end in itertools.pairwise(offsets.tolist())]


def _data(file: Any, name: str, *, path: Path) -> Any:
    """A data set that lies in this file and is no larger than its bytes can hold.

    Raises:
        RefusedError: it is missing, no data set, lies elsewhere, is larger, or is packed by an unknown filter.
    """
    if not _has(file, name):
        raise RefusedError(f"{path} has no data set {name!r}; see `triptych data convert` for the form")
    if file.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
        raise RefusedError(f"{name!r} of {path} is a link; write the data itself into the file")
    found = file[name]
    if not isinstance(found, h5py.Dataset) or found.shape is None:
        raise RefusedError(f"{name!r} of {path} is no array; see `triptych data convert` for the form")
    plan = found.id.get_create_plist()
    kind = plan.get_layout()
    if kind not in (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED) or plan.get_external_count():
        raise RefusedError(f"{name!r} of {path} lies in other files; write the data itself into the file")
    filters = [plan.get_filter(number)[0] for number in range(plan.get_nfilters())]
    if unknown := [number for number in filters if number not in _FILTERS]:
        raise RefusedError(f"{name!r} of {path} is packed by the filter {unknown[0]}; repack it by gzip or not at all")
    file_bytes = path.stat().st_size
    stored = min(found.id.get_storage_size(), file_bytes)
    claimed = found.size * found.dtype.itemsize  # numbers of Python: they do not overflow
    start = found.id.get_offset() if kind == h5py.h5d.CONTIGUOUS else None
    if (
        claimed > stored * (_MOST_EXPANSION if filters else 1)
        or (start is not None and start + claimed > file_bytes)
        or (kind == h5py.h5d.CHUNKED and math.prod(found.chunks) * found.dtype.itemsize > _MOST_CHUNK_BYTES)
    ):
        raise RefusedError(f"{name!r} of {path} claims {claimed:,} bytes, more than the file holds; write it anew")
    return found


def _has(file: Any, name: str) -> bool:
    """Return whether a link of this name is in the file, without following it: it may lead to another file."""
    return bool(file.id.links.exists(name.encode()))


def _integers(file: Any, name: str, *, path: Path) -> NDArray[np.integer[Any]]:
    found = _data(file, name, path=path)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise RefusedError(
            f"{name!r} of {path} is {found.dtype} {found.shape}; it must be integers, one for each image"
        )
    values: NDArray[np.integer[Any]] = found[:]
    return values


def _texts(file: Any, name: str, *, path: Path) -> list[str]:
    """The strings of a data set; none where it is missing."""
    if not _has(file, name):
        return []
    found = _data(file, name, path=path)
    form = h5py.check_string_dtype(found.dtype)
    if found.ndim != 1 or form is None:
        raise RefusedError(f"{name!r} of {path} is {found.dtype} {found.shape}; it must be strings, one for each image")
    # A string of variable length may be as long as the file, and all may be the same one.
    longest = form.length or min(path.stat().st_size, _SLICE_BYTES)
    step = max(1, min(4096, _SLICE_BYTES // longest))
    texts: list[str] = []
    for start in range(0, len(found), step):
        for text in found[start : start + step]:
            if len(text) > MOST_NAME_BYTES:
                raise RefusedError(f"{name!r} of {path} has a string of {len(text):,} bytes; shorten it")
            texts.append(text.decode())
    return texts
