"""A folder with a folder of images for each class, as torchvision's ImageFolder reads it."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path

from triptych import image_formats
from triptych_ops.errors import MissingError, RefusedError, UsageError

from .content import WholeFile
from .dataset import Dataset, Sample
from .labels import require_labels


def read_image_folder(folder: Path) -> Dataset:
    """Every image below `folder`; the class is the name of the first folder below it, in the order of the names.

    Names that begin with a dot are passed over, as are files beside the folders of classes. Links are followed; one
    whose target is missing stands for an image that cannot be read.

    Raises:
        MissingError: there is no such folder, or no folder of a class in it.
        UsageError: it is no folder.
        RefusedError: a class is empty, or its name cannot be a label; a link in `folder` leads nowhere.
    """
    if not folder.exists():
        raise MissingError(f"there is no folder {folder}; name one that has a folder of images for each class")
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; name one that has a folder of images for each class")
    places = sorted(place for place in folder.iterdir() if place.is_dir() and not place.name.startswith("."))
    if not places:
        raise MissingError(f"{folder} has no folder of a class; put the images of each class into a folder of its own")
    if gone := next((path for path in sorted(folder.iterdir()) if _leads_nowhere(path)), None):
        raise RefusedError(
            f"{gone} is a link to what is not there, {gone.readlink()}; bring that back or remove the link"
        )
    classes = tuple(place.name for place in places)
    require_labels(classes, source=str(folder))
    samples: list[Sample] = []
    ignored = [path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    for label, place in enumerate(places):
        files = list(_files(place))
        found = [path for path in files if image_formats.has_suffix(path)]
        ignored += [path.relative_to(folder).as_posix() for path in files if not image_formats.has_suffix(path)]
        if not found:
            raise RefusedError(
                f"the class {place.name!r} is empty: {place} has no image ending in "
                f"{', '.join(sorted(image_formats.SUFFIXES))}; fill it or remove it"
            )
        samples += [Sample(path.relative_to(folder).as_posix(), label, WholeFile(path)) for path in found]
    ordered = sorted(samples, key=lambda sample: sample.name)
    return Dataset(folder, "folder", classes, tuple(ordered), tuple(sorted(ignored)))


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder that are not hidden, and links named like images that lead nowhere.

    Links to folders are followed, after the folders themselves, but for those that lead back above this one, and each
    folder is read once: so circles of links end, and a file keeps the name that it has without links.
    """
    waiting, links, read = [folder], deque[Path](), set(folder.resolve().parents)
    while waiting or links:
        place = waiting.pop() if waiting else links.popleft()
        if (real := place.resolve()) in read:
            continue
        read.add(real)
        for path in sorted(place.iterdir()):
            if path.name.startswith("."):
                continue
            if path.is_dir():
                (links if path.is_symlink() else waiting).append(path)
            elif path.is_file() or (_leads_nowhere(path) and image_formats.has_suffix(path)):
                yield path


def _leads_nowhere(path: Path) -> bool:
    return path.is_symlink() and not path.exists() and not path.name.startswith(".")
