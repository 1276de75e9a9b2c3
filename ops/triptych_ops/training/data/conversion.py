"""A dataset of one form -> the same in another."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from triptych_ops.errors import RefusedError, UsageError

from . import hdf5, tfrecord, webdataset
from .dataset import Dataset
from .formats import image_suffix


def convert(dataset: Dataset, target: Path) -> None:
    """Write every sample to `target`, whose suffix says its form; without one, a folder with a folder a class.

    Names, classes and encoded bytes stay what they are; `target` is there whole or not at all.

    Raises:
        UsageError: there is something already, or the suffix is of no form.
        RefusedError: an image or a class cannot be written so.
        OSError: there is no room.
    """
    if target.exists():
        raise UsageError(f"{target} exists; name another")
    if target.suffix not in _WRITERS:
        raise UsageError(
            f"{target.suffix} is of no known form; end the name in {', '.join(sorted(_WRITERS)[1:])} or none"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        _WRITERS[target.suffix](dataset, partial)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if partial.is_file():
            partial.unlink()


def write_image_folder(dataset: Dataset, folder: Path) -> None:
    """A folder for each class; names that lie elsewhere are replaced by numbers.

    Raises:
        RefusedError: a class cannot be the name of a folder.
    """
    for label in dataset.classes:
        if label.startswith(".") or "/" in label or "\0" in label or len(label.encode()) > 255:
            raise RefusedError(f"the class {label!r} cannot be the name of a folder; choose another form")
        (folder / label).mkdir(parents=True)
    for number, sample in enumerate(dataset.samples):
        content, label = sample.read(), dataset.classes[sample.label]
        name = PurePosixPath(sample.name)
        own = len(name.parts) > 1 and name.parts[0] == label and ".." not in name.parts
        path = folder / name if own else folder / label / f"{number:08}{image_suffix(content, name=sample.name)}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


_WRITERS: Mapping[str, Callable[[Dataset, Path], None]] = MappingProxyType(
    {
        "": write_image_folder,
        **dict.fromkeys(hdf5.SUFFIXES, hdf5.write_hdf5),
        **dict.fromkeys(tfrecord.SUFFIXES, tfrecord.write_tfrecord),
        **dict.fromkeys(webdataset.SUFFIXES, webdataset.write_webdataset),
    }
)
