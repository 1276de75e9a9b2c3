"""A dataset of one form -> the same in another."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from triptych import image_formats
from triptych_ops.errors import RefusedError, UsageError

from . import hdf5, tfrecord, webdataset
from .dataset import Dataset, Sample
from .formats import image_suffix
from .structure import is_service_name, part_of_folder

_MOST_NAME_BYTES = 255  # of a file or folder, on every usual file system


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
    """A folder for each class, in a folder for each part where the images are divided already.

    Names that cannot lie there are replaced by numbers.

    Raises:
        RefusedError: a class cannot be the name of a folder.
    """
    for label in dataset.classes:
        if is_service_name(label) or "/" in label or "\0" in label or len(label.encode()) > _MOST_NAME_BYTES:
            raise RefusedError(f"the class {label!r} cannot be the name of a folder; choose another form")
        for part in dataset.parts or ("",):
            (folder / part / label).mkdir(parents=True)
    for number, sample in enumerate(dataset.samples):
        content = sample.read()
        place = _place(sample, dataset.classes[sample.label])
        path = place or PurePosixPath(
            sample.part or "", dataset.classes[sample.label], f"{number:08}{image_suffix(content, name=sample.name)}"
        )
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        with (folder / path).open("xb") as file:  # two names may be one file
            file.write(content)


def _place(sample: Sample, label: str) -> PurePosixPath | None:
    """Where a sample lies by its own name; None where this is not in the folder of its class, or is no path."""
    path = PurePosixPath(sample.name)
    parts = path.parts
    if sample.part and len(parts) > 2 and parts[1] == label and part_of_folder(parts[0]) == sample.part:
        parts = (sample.part, *parts[1:])
    elif sample.part and len(parts) > 1 and parts[0] == label:
        parts = (sample.part, *parts)
    inner = parts[1:] if sample.part else parts
    usual = len(inner) > 1 and inner[0] == label and image_formats.has_suffix(path.name)
    if (
        not usual
        or path.as_posix() != sample.name
        or any(part == ".." or is_service_name(part) or len(part.encode()) > _MOST_NAME_BYTES for part in parts)
    ):
        return None
    return PurePosixPath(*parts)


_WRITERS: Mapping[str, Callable[[Dataset, Path], None]] = MappingProxyType(
    {
        "": write_image_folder,
        **dict.fromkeys(hdf5.SUFFIXES, hdf5.write_hdf5),
        **dict.fromkeys(tfrecord.SUFFIXES, tfrecord.write_tfrecord),
        **dict.fromkeys(webdataset.SUFFIXES, webdataset.write_webdataset),
    }
)
