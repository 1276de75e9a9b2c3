"""Samples that bring their classes with them -> a dataset."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from triptych_ops.errors import MissingError, RefusedError

from .content import Content
from .dataset import Dataset
from .labels import require_labels


class Labelled(NamedTuple):
    """One image as a record holds it."""

    name: str
    number: int  # of its class, in whatever numbering
    text: str  # name of its class
    content: Content


def ordered_classes(source: Path, form: str, found: Iterable[Labelled]) -> Dataset:
    """The dataset of these; the classes in the order of their numbers.

    Raises:
        MissingError: there are none.
        RefusedError: one number stands for two classes, or a class cannot be a label.
    """
    images = list(found)
    if not images:
        raise MissingError(f"there is no image in {source}")
    texts: dict[int, str] = {}
    for image in images:
        if texts.setdefault(image.number, image.text) != image.text:
            first = texts[image.number]
            raise RefusedError(
                f"{source} calls class {image.number} both {first!r} and {image.text!r}; convert it anew"
            )
    numbers = sorted(texts)
    classes = [texts[number] for number in numbers]
    require_labels(classes, source=str(source))
    labels = {number: label for label, number in enumerate(numbers)}
    return Dataset.of(source, form, classes, ((image.name, labels[image.number], image.content) for image in images))
