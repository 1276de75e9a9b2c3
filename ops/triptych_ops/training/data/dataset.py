"""A labelled set of images, whatever it is stored in."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from triptych_ops.errors import RefusedError

from .content import Content, WholeFile


@dataclass(frozen=True, slots=True)
class Sample:
    """One encoded image and its class."""

    name: str  # unique within its dataset, the same on each opening: `cat/1.jpg`
    label: int  # index into the dataset's classes
    content: Content

    @property
    def path(self) -> Path | None:
        """The image's own file; None where it lies within a larger one."""
        return self.content.path if isinstance(self.content, WholeFile) else None

    def read(self) -> bytes:
        """The encoded image.

        Raises:
            OSError: it cannot be read.
        """
        return self.content.read()


@dataclass(frozen=True)
class Dataset:
    """Classes in their order, and samples sorted by their names."""

    source: Path
    format: str  # "folder", "hdf5", "tfrecord" or "webdataset"
    classes: tuple[str, ...]
    samples: tuple[Sample, ...]
    ignored: tuple[str, ...] = ()  # files beside them that were passed over

    @classmethod
    def of(
        cls, source: Path, form: str, classes: Sequence[str], found: Iterable[tuple[str, int, Content]]
    ) -> "Dataset":
        """A dataset of names, labels and contents in any order.

        Raises:
            RefusedError: two have one name, or a class has none.
        """
        samples = sorted((Sample(*each) for each in found), key=lambda sample: sample.name)
        for one, other in pairwise(samples):
            if one.name == other.name:
                raise RefusedError(f"{source} has two images called {one.name!r}; rename one")
        dataset = cls(source, form, tuple(classes), tuple(samples))
        for label, count in zip(classes, dataset.class_counts, strict=True):
            if not count:
                raise RefusedError(f"the class {label!r} of {source} is empty; fill it or remove it")
        return dataset

    def __len__(self) -> int:
        return len(self.samples)

    @cached_property
    def by_name(self) -> Mapping[str, Sample]:
        """Each sample under its name."""
        return {sample.name: sample for sample in self.samples}

    @cached_property
    def class_counts(self) -> tuple[int, ...]:
        """Number of samples of each class, in the order of the classes."""
        counts = Counter(sample.label for sample in self.samples)
        return tuple(counts[label] for label in range(len(self.classes)))

    def subset(self, names: Collection[str]) -> "Dataset":
        """The same classes with the named samples, in their order.

        Raises:
            RefusedError: one of the names is no sample's.
        """
        for name in names:
            if name not in self.by_name:
                raise RefusedError(f"{self.source} has no image {name!r}; restore it, or split the images anew")
        return replace(self, samples=tuple(self.by_name[name] for name in sorted(names)))
