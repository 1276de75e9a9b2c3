"""Which images are for training, for choosing between epochs, and for the one figure at the end."""

import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from triptych_ops.errors import MissingError, RefusedError, UsageError

from .data.dataset import Dataset
from .files import write_whole

Part = Literal["train", "validation", "test"]

PARTS: tuple[Part, ...] = ("train", "validation", "test")


class Shares(NamedTuple):
    """How much of the images each part gets, in any unit."""

    train: float = 6
    validation: float = 2
    test: float = 2

    @classmethod
    def parse(cls, text: str) -> "Shares":
        """Shares of a text such as 6:2:2.

        Raises:
            UsageError: it is no three positive numbers.
        """
        try:
            train, validation, test = map(float, text.split(":"))
            shares = cls(train, validation, test)
        except ValueError:
            shares = cls(0, 0, 0)
        if not all(0 < share < float("inf") for share in shares):
            raise UsageError(f"{text!r} divides no images; write three positive numbers such as 6:2:2")
        return shares


class Split(BaseModel):
    """Names of the samples of each part; what `split.json` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    seed: int | None  # None where somebody divided the images himself
    classes: tuple[str, ...]
    digests: dict[str, str]  # name -> SHA-256 of the encoded image
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    @model_validator(mode="after")
    def _each_once(self) -> "Split":
        names = [*self.train, *self.validation, *self.test]
        if len(set(names)) != len(names):
            raise ValueError("an image is in two parts")
        if set(names) != set(self.digests):
            raise ValueError("the digests are not those of the images")
        return self

    def names(self, part: Part) -> tuple[str, ...]:
        """The samples of a part."""
        parts: Mapping[Part, tuple[str, ...]] = {
            "train": self.train,
            "validation": self.validation,
            "test": self.test,
        }
        return parts[part]

    def part(self, dataset: Dataset, part: Part) -> Dataset:
        """The dataset's samples of a part.

        Raises:
            RefusedError: one of them is missing.
        """
        return dataset.subset(self.names(part))

    @classmethod
    def from_file(cls, path: Path) -> "Split":
        """Read `split.json`.

        Raises:
            MissingError: there is no such file.
            RefusedError: it is no such file.
        """
        if not path.is_file():
            raise MissingError(f"there is no split file {path}; name one that `triptych train` wrote")
        try:
            return cls.model_validate_json(path.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise RefusedError(f"{path} is no split of images: {where}: {first['msg']}") from error

    def write(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_whole(path, (self.model_dump_json(indent=1) + "\n").encode())

    def require_fits(self, dataset: Dataset, digests: Mapping[str, str], *, source: str) -> None:
        """Whether this divides exactly the images of `dataset`, whose digests are given; `source` names the split.

        Raises:
            RefusedError: classes differ, or an image is missing, is new, or is not what it was.
        """
        cure = "restore the images, or leave the split out and divide them anew"
        if self.classes != dataset.classes:
            theirs = sorted(set(self.classes) ^ set(dataset.classes)) or list(self.classes)
            raise RefusedError(
                f"{source} does not match {dataset.source}: the classes differ, first {theirs[0]!r}; {cure}"
            )
        for finding, names in (
            ("is missing", self.digests.keys() - digests.keys()),
            ("is in no part", digests.keys() - self.digests.keys()),
            (
                "has other content",
                {name for name in self.digests.keys() & digests if self.digests[name] != digests[name]},
            ),
        ):
            if names:
                more = f", and {len(names) - 1} more" if len(names) > 1 else ""
                raise RefusedError(f"{source} does not match {dataset.source}: {min(names)!r} {finding}{more}; {cure}")


def stratified(dataset: Dataset, digests: Mapping[str, str], *, shares: Shares, seed: int) -> Split:
    """Divide each class by the same shares, at random but always alike for a seed.

    Copies of an image go into one part, since what was trained on is no test. How a class is divided depends on its own
    images alone, so that a new class changes no other.

    Raises:
        RefusedError: a class has fewer than three different images; the same image is in two classes.
    """
    require_one_class_an_image(dataset, digests)
    parts: dict[Part, list[str]] = {part: [] for part in PARTS}
    for label, name in enumerate(dataset.classes):
        members = [sample.name for sample in dataset.samples if sample.label == label]
        groups = _copies_together(members, digests)
        if len(groups) < len(PARTS):
            raise RefusedError(
                f"the class {name!r} of {dataset.source} has {_count(len(groups), 'different image')}, and each of "
                f"{', '.join(PARTS)} needs one; add images or remove the class"
            )
        random.Random(f"{seed}/{name}").shuffle(groups)  # noqa: S311  not for secrets
        for part, taken in zip(PARTS, _divided(groups, shares), strict=True):
            parts[part] += [each for group in taken for each in group]
    return Split(
        seed=seed,
        classes=dataset.classes,
        digests=dict(digests),
        train=tuple(sorted(parts["train"])),
        validation=tuple(sorted(parts["validation"])),
        test=tuple(sorted(parts["test"])),
    )


def require_one_class_an_image(dataset: Dataset, digests: Mapping[str, str]) -> None:
    """Whether no image bears two labels.

    Raises:
        RefusedError: one does.
    """
    first: dict[str, Any] = {}
    for sample in dataset.samples:
        other = first.setdefault(digests[sample.name], sample)
        if other.label != sample.label:
            raise RefusedError(
                f"{other.name!r} and {sample.name!r} of {dataset.source} are the same image in two classes; "
                "remove the one that is mislabelled"
            )


def _copies_together(names: Iterable[str], digests: Mapping[str, str]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(digests[name], []).append(name)
    return list(groups.values())


def _divided(groups: Sequence[list[str]], shares: Shares) -> list[list[list[str]]]:
    """The groups in as many lists as there are shares: by rounded shares, but at least one in each."""
    total = sum(shares)
    validation = max(1, round(len(groups) * shares.validation / total))
    test = max(1, round(len(groups) * shares.test / total))
    train = max(1, len(groups) - validation - test)
    validation = min(validation, len(groups) - train - 1)
    return [
        list(groups[:train]),
        list(groups[train : train + validation]),
        list(groups[train + validation :]),
    ]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
