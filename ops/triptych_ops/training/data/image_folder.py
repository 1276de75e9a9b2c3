"""A folder with a folder of images for each class, as torchvision's ImageFolder reads it; or with one for each part."""

import os
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from triptych import image_formats
from triptych_ops.errors import MissingError, RefusedError, UsageError

from .content import WholeFile
from .dataset import Dataset, Sample
from .labels import require_labels
from .structure import FoundLayout, Layout, Part, is_service_name, part_of_folder


def read_image_folder(folder: Path, layout: Layout = "auto") -> Dataset:
    """Every image below `folder`.

    The class is the name of the first folder below it, in the order of the names. Where `layout` is "auto", the folders
    are the parts of a split instead if each of them has the name of a part (`train`, `val`, `Test`, ...), there are at
    least two, and each holds folders with images and no images beside these: then the class is the name of the second
    folder. Also where each class is divided into folders with such names, these are the parts.

    Files of systems (hidden ones, `@eaDir`, `Thumbs.db`, ...) are skipped, files beside the folders of classes ignored.
    Links are followed; one whose target is missing stands for an image that cannot be read.

    Raises:
        MissingError: there is no such folder, or no folder of a class in it.
        UsageError: it is no folder, or the folders could be classes as well as parts of a split.
        RefusedError: a class is empty, missing in a part, or its name cannot be a label; two folders are one part.
    """
    if not folder.exists():
        raise MissingError(f"there is no folder {folder}; name one that has a folder of images for each class")
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; name one that has a folder of images for each class")
    found = _Found.below(folder)
    if not found.places:
        raise MissingError(f"{folder} has no folder of a class; put the images of each class into a folder of its own")
    decided = _decided(folder, found, layout)
    if decided == "classes":
        return _of_classes(folder, found, layout)
    return _of_parts(folder, found, decided)


@dataclass
class _Found:
    """The files below a folder, by their paths relative to it."""

    places: list[str] = field(default_factory=list)  # folders directly below it
    images: list[PurePosixPath] = field(default_factory=list)
    folders: set[PurePosixPath] = field(default_factory=set)  # directly below the places
    ignored: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)  # files in each folder of a system

    @classmethod
    def below(cls, folder: Path) -> "_Found":
        found = cls()
        for path in _files(folder):
            parts = path.parts
            service = next((depth for depth, name in enumerate(parts) if is_service_name(name)), None)
            if service is not None:
                found.skipped[PurePosixPath(*parts[: service + 1]).as_posix()] += 1
            elif len(parts) == 1 and _leads_nowhere(gone := folder / path):
                target = gone.readlink()
                raise RefusedError(
                    f"{gone} is a link to what is not there, {target}; bring that back or remove the link"
                )
            elif image_formats.has_suffix(path.name) and len(parts) > 1:
                found.images.append(path)
            else:
                found.ignored.append(path.as_posix())
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            if entry.is_dir() and not is_service_name(entry.name):
                found.places.append(entry.name)
                inner = (each for each in os.scandir(entry.path) if each.is_dir() and not is_service_name(each.name))
                found.folders.update(PurePosixPath(entry.name, each.name) for each in inner)
        return found

    def holds_images(self, place: str) -> bool:
        """Return whether images lie directly in a folder."""
        return any(len(path.parts) == 2 and path.parts[0] == place for path in self.images)

    def holds_folders(self, place: str) -> bool:
        """Return whether folders with images lie in a folder."""
        return any(len(path.parts) > 2 and path.parts[0] == place for path in self.images)


def _files(folder: Path) -> Iterator[PurePosixPath]:
    """Yield every file below a folder, and links that lead nowhere where they stand for an image or a class.

    Links to folders are followed, after the folders themselves, but for those that lead back above their class, and
    each folder is read once for a class: so circles of links end, and a file keeps the name that it has without links.
    """
    waiting, links = [PurePosixPath()], deque[PurePosixPath]()
    read: set[tuple[tuple[str, ...], Path]] = set()
    while waiting or links:
        place = waiting.pop() if waiting else links.popleft()
        class_depth = 2 if place.parts and part_of_folder(place.parts[0]) else 1
        owner, real = place.parts[:class_depth], (folder / place).resolve()
        if (owner, real) in read or (len(place.parts) > class_depth and _is_above(real, folder.joinpath(*owner))):
            continue
        read.add((owner, real))
        for entry in sorted(os.scandir(folder / place), key=lambda entry: entry.name):
            if entry.is_dir():
                (links if entry.is_symlink() else waiting).append(place / entry.name)
                continue
            is_expected = not place.parts or image_formats.has_suffix(entry.name)
            if entry.is_file() or (is_expected and _leads_nowhere(Path(entry.path))):
                yield place / entry.name


def _is_above(real: Path, folder: Path) -> bool:
    return real in folder.resolve().parents


def _leads_nowhere(path: Path) -> bool:
    return path.is_symlink() and not path.exists()


def _decided(folder: Path, found: _Found, layout: Layout) -> FoundLayout:
    """Decide whether the folders are classes or the parts of a split."""
    named = {place: part for place in found.places if (part := part_of_folder(place))}
    others = [place for place in found.places if place not in named]
    choice = "if they are classes, say so by --layout classes"
    if layout == "classes" or not named:
        return "classes"
    if layout != "auto":
        if others:
            raise RefusedError(f"{folder} has the folder {others[0]!r}, which is no part of a split; move it away")
    else:
        nested = {named[place] for place in named if found.holds_folders(place) and not found.holds_images(place)}
        if others and "train" in nested and len(nested) > 1:
            raise UsageError(
                f"{folder} holds parts of a split, {_listed(named)}, beside {others[0]!r}; move {others[0]!r} away, "
                "or, if all are classes, say so by --layout classes"
            )
        if others:
            return "classes"
    for place in named:
        if found.holds_images(place) or not found.holds_folders(place):
            raise UsageError(
                f"{folder} has folders with the names of parts of a split, {_listed(named)}, but {place!r} does not "
                f"hold a folder of images for each class; sort its images by class or move it away; {choice}"
            )
    if len(named) == 1:
        (place,) = named
        raise UsageError(f"{folder} holds {place!r} alone, which is part of a split; name {folder / place}; {choice}")
    return "pooled" if layout == "pooled" else "splits"


def _of_classes(folder: Path, found: _Found, layout: Layout) -> Dataset:
    classes = tuple(found.places)
    require_labels(classes, source=str(folder))
    numbers = {place: label for label, place in enumerate(classes)}
    full = {path.parts[0] for path in found.images}
    suffixes = ", ".join(sorted(image_formats.SUFFIXES))
    for place in classes:
        if place not in full:
            raise RefusedError(
                f"the class {place!r} is empty: {folder / place} has no image ending in {suffixes}; "
                "fill it or remove it"
            )
    inner = _inner_parts(found) if layout != "classes" else None
    if layout in ("splits", "pooled") and inner is None:
        raise RefusedError(f"{folder} names no parts of a split; leave --layout out")
    named = inner if layout != "pooled" else None
    samples = [
        _sample(folder, path, numbers[path.parts[0]], named[path.parts[1]] if named else None) for path in found.images
    ]
    decided: FoundLayout = "pooled" if layout == "pooled" else "splits" if named else "classes"
    return _dataset(folder, found, classes, samples, decided)


def _inner_parts(found: _Found) -> dict[str, Part] | None:
    """Return the parts that divide each class into folders `cat/train`, `cat/test`; None where they do not."""
    inner = {path.parts[1] for path in found.images if len(path.parts) > 2}
    named = {name: part for name in inner if (part := part_of_folder(name))}
    everywhere = {PurePosixPath(place, name) for place in found.places for name in inner}
    if any(len(path.parts) == 2 for path in found.images) or named.keys() != inner or len(inner) < 2:
        return None
    full = {PurePosixPath(*path.parts[:2]) for path in found.images}
    distinct = set(named.values())
    return named if full == everywhere and len(distinct) == len(named) and "train" in distinct else None


def _of_parts(folder: Path, found: _Found, layout: FoundLayout) -> Dataset:
    parts: dict[str, Part] = {place: part for place in found.places if (part := part_of_folder(place))}
    first: dict[Part, str] = {}
    for place, part in parts.items():
        if part in first:
            raise RefusedError(
                f"{first[part]!r} and {place!r} of {folder} are both the {part} part; put their images into one"
            )
        first[part] = place
    full: dict[str, set[str]] = {place: set() for place in found.places}
    for path in found.images:
        full[path.parts[0]].add(path.parts[1])
    classes = sorted(set().union(*full.values()) | {path.parts[1] for path in found.folders})
    require_labels(classes, source=str(folder))
    for label in classes:
        if lacking := [place for place in found.places if label not in full[place]]:
            having = [place for place in found.places if label in full[place]]
            where = f"has images in {having[0]!r} but none in {lacking[0]!r}" if having else "is empty"
            raise RefusedError(f"the class {label!r} of {folder} {where}; each part needs each class")
    if layout == "splits" and "train" not in first:
        raise RefusedError(f"{folder} has {_listed(first.values())} but no training part; add a folder 'train'")
    numbers = {label: number for number, label in enumerate(classes)}
    samples = [
        _sample(folder, path, numbers[path.parts[1]], parts[path.parts[0]] if layout == "splits" else None)
        for path in found.images
    ]
    return _dataset(folder, found, tuple(classes), samples, layout)


def _sample(folder: Path, path: PurePosixPath, label: int, part: Part | None) -> Sample:
    name = path.as_posix()
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise RefusedError(f"the file name {name!a} in {folder} is no UTF-8; rename it") from error
    return Sample(name, label, WholeFile(folder / path), part)


def _dataset(
    folder: Path, found: _Found, classes: tuple[str, ...], samples: list[Sample], layout: FoundLayout
) -> Dataset:
    return Dataset(
        folder,
        "folder",
        classes,
        tuple(sorted(samples, key=lambda sample: sample.name)),
        ignored=tuple(sorted(found.ignored)),
        skipped=tuple(
            f"{name} ({count} file{'' if count == 1 else 's'})" for name, count in sorted(found.skipped.items())
        ),
        layout=layout,
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
