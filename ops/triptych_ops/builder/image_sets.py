"""The images that a build measures and calibrates on: a folder of the user's, or views of bundled photographs."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from triptych import image_formats
from triptych_ops.errors import MissingError, RefusedError, UsageError
from triptych_ops.photographs import PHOTOGRAPHS, SCENES, enlarged

from .views import write_views

GATE_IMAGES = 256
"""So many that one image more or less is 0.4 % of them."""

FEW = 50
"""Fewer images are told of: one of them is more than the 2 % that int8 may lose."""

CALIBRATION_IMAGES = 256
"""At most; their pixels and activations are in memory together."""

GPU_FORM_IMAGES = 40
"""Enough for a difference of pixels; each is decoded and classified three times on the CPU."""

UNDECIDED = 0.02
"""Generated views may show no class at all. Where the reference's two best are closer, top-1 says nothing of the served
answer, so such a view is passed over."""

_GATE_SEED, _CALIBRATION_SEED, _GPU_FORM_SEED = 1, 2, 3


@dataclass(frozen=True, slots=True)
class ImageSet:
    """Image files, and in words where they come from."""

    paths: tuple[Path, ...]
    source: str


def from_folder(folder: Path) -> ImageSet:
    """Every image file below `folder`, by its suffix, in the order of the names.

    Raises:
        MissingError: there is no such folder, or no image in it.
        UsageError: it is no folder.
    """
    if not folder.exists():
        raise MissingError(f"there is no folder {folder}; name one of {image_formats.ANY} images")
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; name one of {image_formats.ANY} images")
    paths = tuple(path for path in sorted(folder.rglob("*")) if image_formats.has_suffix(path) and path.is_file())
    if not paths:
        raise MissingError(
            f"there is no image in {folder}; it needs files ending in {', '.join(sorted(image_formats.SUFFIXES))}"
        )
    return ImageSet(paths, f"folder {folder.resolve().name}")


def sample(images: ImageSet, *, most: int) -> ImageSet:
    """At most so many of the images, evenly from all of them."""
    count = len(images.paths)
    if count <= most:
        return images
    chosen = tuple(images.paths[index * count // most] for index in range(most))
    return ImageSet(chosen, f"{most} of {count} in {images.source}")


def for_gate(scratch: Path, *, count: int = GATE_IMAGES) -> ImageSet:
    """The bundled photographs, one as large as cameras make them, and views; new files go into `scratch`."""
    own = [*(photograph.path for photograph in PHOTOGRAPHS), enlarged(scratch)]
    views = write_views(_folder(scratch, "gate"), count=count - len(own), seed=_GATE_SEED)
    return ImageSet((*own, *views), f"{len(own)} photographs and {len(views)} views of {len(SCENES)} photographs")


def decided(images: ImageSet, probabilities: NDArray[np.float32]) -> tuple[ImageSet, NDArray[np.float32]]:
    """The images for which the reference, `probabilities` (N, C), is not `UNDECIDED`, with their probabilities.

    Raises:
        RefusedError: it is undecided on all of them.
    """
    best = np.partition(probabilities, -2, axis=1)[:, -2:]  # (N, 2) second, first
    kept = np.flatnonzero(best[:, 1] - best[:, 0] >= UNDECIDED)
    if not len(kept):
        raise RefusedError(
            f"the network's two best classes are within {UNDECIDED:g} of each other on all {images.source}, so served "
            "answers cannot be compared with torch's; train it, or name images of its own classes with --gate DIR"
        )
    if len(kept) == len(images.paths):
        return images, probabilities
    passed_over = len(images.paths) - len(kept)
    source = f"{images.source}, less {passed_over} on which torch is undecided"
    return ImageSet(tuple(images.paths[index] for index in kept), source), probabilities[kept]


def for_calibration(scratch: Path, *, count: int = CALIBRATION_IMAGES) -> ImageSet:
    """Views, none of which is in the gate's set; their files go into `scratch`."""
    views = write_views(_folder(scratch, "calibration"), count=count, seed=_CALIBRATION_SEED)
    return ImageSet(tuple(views), f"{len(views)} views of {len(SCENES)} photographs")


def for_gpu_form(scratch: Path) -> list[Path]:
    """Views; their files go into `scratch`."""
    return write_views(_folder(scratch, "gpu-form"), count=GPU_FORM_IMAGES, seed=_GPU_FORM_SEED)


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder
