"""A labelled set of images, whatever it is stored in."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from triptych_ops.errors import RefusedError

from .content import Content, WholeFile
from .foreign import MOST_IMAGE_BYTES, require_image_name
from .structure import PARTS, FoundLayout, Layout, Part


@dataclass(frozen=True, slots=True)
class Sample:
    """One encoded image and its class."""

    name: str  # unique within its dataset, the same on each opening: `cat/1.jpg`
    label: int  # index into the dataset's classes
    content: Content
    part: Part | None = None  # of the split, where the data set itself names it

    @property
    def path(self) -> Path | None:
        """The image's own file; None where it lies within a larger one."""
        return self.content.path if isinstance(self.content, WholeFile) else None

    def read(self) -> bytes:
        """The encoded image.

        Raises:
            OSError: it cannot be read.
            RefusedError: it is larger than any server takes.
        """
        if (size_bytes := self.content.size_bytes) > MOST_IMAGE_BYTES:
            raise RefusedError(
                f"{self.name!r} has {size_bytes:,} bytes, a server takes {MOST_IMAGE_BYTES:,}; reduce or remove it"
            )
        return self.content.read()


@dataclass(frozen=True)
class Dataset:
    """Classes in their order, and samples sorted by their names."""

    source: Path
    format: str  # "folder", "hdf5", "tfrecord" or "webdataset"
    classes: tuple[str, ...]
    samples: tuple[Sample, ...]
    ignored: tuple[str, ...] = ()  # files beside them that were passed over
    skipped: tuple[str, ...] = ()  # folders and files of systems, each with the number of its files
    layout: FoundLayout = "classes"

    @classmethod
    def of(
        cls, source: Path, form: str, classes: Sequence[str], found: Iterable[Sample], *, layout: Layout = "auto"
    ) -> "Dataset":
        """A dataset of samples in any order; `layout` decides whether the parts that they name are the split.

        Raises:
            RefusedError: two have one name; a class has none, or none in a part; some name a part and others do not.
        """
        samples = sorted(found, key=lambda sample: sample.name)
        for sample in samples:
            require_image_name(sample.name, source=source)
        for one, other in pairwise(samples):
            if one.name == other.name:
                raise RefusedError(f"{source} has two images called {one.name!r}; rename one")
        divided = {sample.part for sample in samples} - {None} and layout in ("auto", "splits")
        if layout == "splits" and not divided:
            raise RefusedError(f"{source} names no parts of a split; leave --layout out")
        if not divided:
            samples = [replace(sample, part=None) for sample in samples]
        dataset = cls(source, form, tuple(classes), tuple(samples), layout=_layout(divided=bool(divided), asked=layout))
        for label, count in zip(classes, dataset.class_counts, strict=True):
            if not count:
                raise RefusedError(f"the class {label!r} of {source} is empty; fill it or remove it")
        if divided:
            dataset._require_divided()
        return dataset

    def _require_divided(self) -> None:
        """Refuse parts that do not hold every class, or that leave an image out."""
        lone = [sample.name for sample in self.samples if sample.part is None]
        if lone:
            raise RefusedError(
                f"{lone[0]!r} of {self.source} is in no part of the split that the others name; "
                "give it one, or leave the parts out by --layout pooled"
            )
        if "train" not in self.parts:
            raise RefusedError(f"{self.source} has no training part, only {', '.join(self.parts)}; add one")
        held = {(sample.part, sample.label) for sample in self.samples}
        for part in self.parts:
            for label, name in enumerate(self.classes):
                if (part, label) not in held:
                    raise RefusedError(
                        f"the class {name!r} of {self.source} has no image in the part {part}; each needs each class"
                    )

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

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts of the split that the data set itself names, in their order; none where it names none."""
        named = {sample.part for sample in self.samples}
        return tuple(part for part in PARTS if part in named)

    def subset(self, names: Collection[str]) -> "Dataset":
        """The same classes with the named samples, in their order.

        Raises:
            RefusedError: one of the names is no sample's.
        """
        for name in names:
            if name not in self.by_name:
                raise RefusedError(f"{self.source} has no image {name!r}; restore it, or split the images anew")
        return replace(self, samples=tuple(self.by_name[name] for name in sorted(names)))


def _layout(*, divided: bool, asked: Layout) -> FoundLayout:
    if divided:
        return "splits"
    return "pooled" if asked == "pooled" else "classes"
