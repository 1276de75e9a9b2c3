"""A path -> the dataset that lies there, by its form."""

from pathlib import Path

from triptych_ops.errors import MissingError, UsageError

from .dataset import Dataset
from .image_folder import read_image_folder
from .structure import Layout

_HDF5, _TAR, _TFRECORD = (".h5", ".hdf5"), (".tar",), (".tfrecord", ".tfrecords")


def open_dataset(path: Path, layout: Layout = "auto") -> Dataset:
    """The labelled images at `path`.

    A folder with a folder of images for each class, or with such a folder for each part of a split; an HDF5 file; a
    TFRecord file or a WebDataset tar, or a folder of such. `layout` says how folders, and parts that records or names
    of shards tell, are taken.

    Raises:
        MissingError: there is nothing, or no class.
        UsageError: it is of no known form.
        RefusedError: it is damaged, or cannot be trained on: one class, an empty one, a name that is no label.
    """
    if path.is_file() and path.suffix in _HDF5:
        from .hdf5 import read_hdf5

        return read_hdf5(path, layout)
    if shards := _shards(path, _TAR):
        from .webdataset import read_webdataset

        return read_webdataset(path, shards, layout)
    if shards := _shards(path, _TFRECORD):
        from .tfrecord import read_tfrecord

        return read_tfrecord(path, shards, layout)
    if path.is_file():
        known = ", ".join((*_HDF5, *_TAR, *_TFRECORD))
        raise UsageError(f"{path} is of no known form; name a folder of images, or a file ending in {known}")
    if not path.exists():
        raise MissingError(f"there is nothing at {path}; name a folder that has a folder of images for each class")
    return read_image_folder(path, layout)


def _shards(path: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """The path itself, or what lies in it and has such a suffix, also before a shard's number: `a.tfrecord-00000`."""
    if path.is_file():
        return [path] if path.suffix in suffixes else []
    if not path.is_dir():
        return []
    return sorted(file for file in path.iterdir() if file.is_file() and file.suffix.partition("-")[0] in suffixes)
