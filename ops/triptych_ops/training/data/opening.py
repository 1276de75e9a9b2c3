"""A path -> the dataset that lies there, by its form."""

from pathlib import Path

from .dataset import Dataset
from .image_folder import read_image_folder


def open_dataset(path: Path) -> Dataset:
    """The labelled images at `path`: a folder with a folder of images for each class.

    Raises:
        MissingError: there is nothing, or no class.
        UsageError: it is of no known form.
        RefusedError: it cannot be trained on: one class, an empty one, a name that is no label.
    """
    return read_image_folder(path)
