"""Samples that bring their classes with them -> a dataset."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from triptych_ops.errors import MissingError, RefusedError

from .content import Content
from .dataset import Dataset, Sample
from .labels import require_labels
from .structure import PARTS, Layout, Part, part_of_shard


class Labelled(NamedTuple):
    """One image as a record holds it."""

    name: str
    number: int  # of its class, in whatever numbering
    text: str  # name of its class
    content: Content
    part: Part | None = None  # of the split, where the record or its shard names it


def named_part(text: str) -> Part | None:
    """The part of a split that a record names; None for an empty text.

    Raises:
        ValueError: there is no such part.
    """
    if not text:
        return None
    for part in PARTS:
        if part == text:
            return part
    raise ValueError(f"no part {text[:60]!r}")


def parts_of_shards(shards: Sequence[Path]) -> Mapping[Path, Part | None]:
    """The part of a split that each shard's name says; of none where one says nothing, or all say the same."""
    parts = {shard: part_of_shard(shard.name) for shard in shards}
    if None in parts.values() or len(set(parts.values())) < 2:
        return dict.fromkeys(shards)
    return parts


def ordered_classes(source: Path, form: str, found: Iterable[Labelled], *, layout: Layout = "auto") -> Dataset:
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
    samples = (Sample(image.name, labels[image.number], image.content, image.part) for image in images)
    return Dataset.of(source, form, classes, samples, layout=layout)
