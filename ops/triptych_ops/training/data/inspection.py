"""Every image of a dataset, read and decoded once: what it is, and what is wrong with it."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

from triptych_ops import decoding
from triptych_ops.errors import RefusedError
from triptych_ops.preprocessing import ImageLimits

from .dataset import Dataset, Sample
from .near_copies import grey_view, near_copies


@dataclass(frozen=True, slots=True)
class Picture:
    """What one sample was found to be."""

    sample: Sample
    digest: str  # SHA-256 of the encoded image; empty where it could not be read
    width: int  # pixels; 0 where it could not be decoded
    height: int
    fault: str | None  # why it cannot be used, in the server's words
    view: bytes = b""  # as `near_copies.grey_view`; empty where it could not be decoded


@dataclass(frozen=True)
class Inspection:
    """A dataset and what each of its samples is."""

    dataset: Dataset
    pictures: tuple[Picture, ...]

    @property
    def faulty(self) -> tuple[Picture, ...]:
        """Those that cannot be used."""
        return tuple(picture for picture in self.pictures if picture.fault)

    @property
    def digests(self) -> Mapping[str, str]:
        """SHA-256 of each sample's encoded image, by its name."""
        return {picture.sample.name: picture.digest for picture in self.pictures}

    @cached_property
    def near_copies(self) -> tuple[tuple[str, ...], ...]:
        """Groups of names of samples of one class that are one picture in several sizes or compressions."""
        of_classes: dict[int, dict[str, bytes]] = defaultdict(dict)
        for picture in self.pictures:
            of_classes[picture.sample.label][picture.sample.name] = picture.view
        return tuple(group for views in of_classes.values() for group in near_copies(views))

    def require_usable(self) -> None:
        """Whether each image can be decoded, and will be by the server.

        Raises:
            RefusedError: one cannot.
        """
        if not self.faulty:
            return
        first = self.faulty[0]
        raise RefusedError(
            f"{len(self.faulty)} of {len(self.pictures)} images of {self.dataset.source} cannot be used, "
            f"first {first.sample.name!r}: {first.fault}; repair or remove them, `triptych data check` lists all"
        )


def inspect(
    dataset: Dataset, *, limits: ImageLimits | None = None, advance: Callable[[int], None] = lambda _: None
) -> Inspection:
    """Read and decode each image, on all cores; `advance` is told of each number of images done."""
    accepted = limits or ImageLimits()
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:  # decoders let other threads run
        pictures = tuple(_told(pool.map(lambda sample: _inspected(sample, accepted), dataset.samples), advance))
    return Inspection(dataset, pictures)


def _told(pictures: Iterator[Picture], advance: Callable[[int], None]) -> Iterator[Picture]:
    for picture in pictures:
        yield picture
        advance(1)


def _inspected(sample: Sample, limits: ImageLimits) -> Picture:
    try:
        if (size_bytes := sample.content.size_bytes) > limits.max_bytes:  # not read, whatever it claims
            return Picture(sample, "", 0, 0, f"has {size_bytes:,} bytes, a server takes {limits.max_bytes:,}")
        content = sample.read()
    except OSError as error:
        return Picture(sample, "", 0, 0, f"cannot be read: {error.strerror or error}")
    digest = hashlib.sha256(content).hexdigest()
    try:
        image = decoding.decode(content, limits=limits)
    except decoding.ImageRejectedError as error:
        return Picture(sample, digest, 0, 0, str(error))
    return Picture(sample, digest, image.width, image.height, None, grey_view(image))
