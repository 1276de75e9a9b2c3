"""What is to be said of a dataset before anybody trains on it. Pure."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from loadtests.sample_statistics import median
from triptych import image_formats

from .dataset import Dataset
from .inspection import Inspection, Picture

IMBALANCE = 5
"""The largest class has so many times the images of the smallest: then balancing is advised."""

LEAST_IMAGES = 3
"""Different ones of each class: one for each of training, validation and test."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to be mended (`stops`), or to be known."""

    code: str
    stops: bool  # a training would be refused
    name: str  # of the image or class
    words: str


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One class in numbers."""

    label: str
    images: int
    different: int  # by their bytes
    shorter_side_min: int  # pixels; 0 where none could be decoded
    shorter_side_median: int


def findings(inspection: Inspection) -> Iterator[Finding]:
    """Everything that stops a training, then what is to be known."""
    for picture in inspection.faulty:
        yield Finding("unusable", True, picture.sample.name, picture.fault or "")
    classes = inspection.dataset.classes
    for copies in _copies(inspection):
        labels = sorted({picture.sample.label for picture in copies})
        others = ", ".join(picture.sample.name for picture in copies[1:])
        parts = sorted({picture.sample.part for picture in copies if picture.sample.part})
        if len(labels) > 1:
            words = f"the same image as {others}: one of them is mislabelled"
            yield Finding("two classes", True, copies[0].sample.name, words)
        elif len(parts) > 1:
            words = f"the same image as {others}, in {' and '.join(parts)}: remove all but one"
            yield Finding("copies in two parts", True, copies[0].sample.name, words)
        else:
            yield Finding("copies", False, copies[0].sample.name, f"the same image as {others}: kept in one part")
    yield from _near_copies(inspection)
    figures = class_figures(inspection)
    for each in figures:
        if each.different < LEAST_IMAGES:
            words = f"{each.different} different images; training, validation and test need one each"
            yield Finding("small class", True, each.label, words)
    smallest, largest = (choose(figures, key=lambda each: each.images) for choose in (min, max))
    if largest.images >= IMBALANCE * smallest.images:
        words = f"{smallest.images} images, {largest.label!r} has {largest.images}: see train --balance"
        yield Finding("imbalance", False, classes[figures.index(smallest)], words)
    for name in inspection.dataset.skipped:
        yield Finding("system file", False, name, "skipped: a system left it there")
    for name in inspection.dataset.ignored:
        yield Finding("no image", False, name, f"passed over: no {image_formats.ANY} in a folder of a class")


def _near_copies(inspection: Inspection) -> Iterator[Finding]:
    """Pictures that are there in several sizes or compressions, beside those that are equal to the byte."""
    digests = inspection.digests
    for group in inspection.near_copies:
        if len({digests[name] for name in group}) == 1:
            continue
        parts = {inspection.dataset.by_name[name].part for name in group} - {None}
        words = "kept in one part" if len(parts) < 2 else "in two parts, so the test accuracy may be too good"
        others = ", ".join(group[1:])
        yield Finding("near copies", False, group[0], f"in another size or compression as {others}: {words}")


def class_figures(inspection: Inspection) -> list[ClassFigures]:
    """The figures of each class, in their order."""
    members: dict[int, list[Picture]] = defaultdict(list)
    for picture in inspection.pictures:
        members[picture.sample.label].append(picture)
    return [_figures(inspection.dataset, label, members[label]) for label in range(len(inspection.dataset.classes))]


def _figures(dataset: Dataset, label: int, pictures: list[Picture]) -> ClassFigures:
    sides = sorted(min(picture.width, picture.height) for picture in pictures if picture.width) or [0]
    return ClassFigures(
        label=dataset.classes[label],
        images=len(pictures),
        different=len({picture.digest for picture in pictures if not picture.fault}),
        shorter_side_min=sides[0],
        shorter_side_median=round(median(sides)),
    )


def _copies(inspection: Inspection) -> Iterator[list[Picture]]:
    groups: dict[str, list[Picture]] = defaultdict(list)
    for picture in inspection.pictures:
        if picture.digest:
            groups[picture.digest].append(picture)
    return (group for group in groups.values() if len(group) > 1)
