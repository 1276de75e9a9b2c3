"""HDF5 files of labelled images.

    classes   (C,) strings
    labels    (N,) integers
    names     (N,) strings
    images    (B,) uint8, contiguous: the encoded images one after the other
    offsets   (N + 1,) int64: where each of them begins, and the end

What others write is read as well where `images` is (N, H, W) or (N, H, W, 3) uint8, the pixels themselves; `classes`
and `names` may then be missing.
"""

import itertools
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from PIL import Image

from triptych_ops.errors import RefusedError

from .content import Content, FileRange
from .dataset import Dataset
from .labels import require_labels

SUFFIXES = frozenset({".h5", ".hdf5"})

_PIXEL_AXES = (3, 4)


@dataclass(frozen=True, slots=True)
class PixelRow:
    """One image of an array of pixels; it is encoded as PNG, which loses nothing."""

    path: Path
    index: int

    def read(self) -> bytes:
        """The image as PNG."""
        with h5py.File(self.path) as file:
            pixels = file["images"][self.index]
        encoded = BytesIO()
        Image.fromarray(np.asarray(pixels)).save(encoded, format="PNG", compress_level=1)
        return encoded.getvalue()


def read_hdf5(path: Path) -> Dataset:
    """The labelled images of a file.

    Raises:
        RefusedError: it is damaged, or laid out otherwise.
    """
    try:
        with h5py.File(path) as file:
            return _dataset(path, file)
    except (OSError, KeyError, UnicodeDecodeError) as error:
        message = f"{path} is no HDF5 file of labelled images: {str(error).partition(chr(10))[0]}"
        raise RefusedError(message) from error


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


def _dataset(path: Path, file: Any) -> Dataset:
    labels = [int(label) for label in file["labels"][:]]
    images = file["images"]
    classes = _texts(file, "classes") or [str(label) for label in range(max(labels, default=0) + 1)]
    names = _texts(file, "names") or [f"{index:08}" for index in range(len(labels))]
    require_labels(classes, source=str(path))
    contents: list[Content]
    if images.ndim in _PIXEL_AXES and images.dtype == np.uint8:
        contents = [PixelRow(path, index) for index in range(len(images))]
    elif images.ndim == 1 and images.dtype == np.uint8 and images.id.get_offset() is not None:
        start, offsets = images.id.get_offset(), [int(offset) for offset in file["offsets"][:]]
        contents = [FileRange(path, start + begin, end - begin) for begin, end in itertools.pairwise(offsets)]
    else:
        raise RefusedError(f"{path} holds images as {images.dtype} {images.shape}; give pixels (N, H, W, 3) uint8")
    if not len(labels) == len(contents) == len(names) or not all(0 <= label < len(classes) for label in labels):
        raise RefusedError(f"{path} has {len(contents)} images, {len(labels)} labels of {len(classes)} classes")
    return Dataset.of(path, "hdf5", classes, zip(names, labels, contents, strict=True))


def _texts(file: Any, name: str) -> list[str]:
    return [text.decode() for text in file[name][:]] if name in file else []
