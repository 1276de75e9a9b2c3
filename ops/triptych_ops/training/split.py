"""Which images are for training, for choosing between epochs, and for the one figure at the end."""

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from triptych_ops.errors import MissingError, RefusedError, UsageError

from .data.dataset import Dataset
from .data.structure import PARTS, Part
from .files import write_whole

_CURE = "restore the images, or leave the split out and divide them anew"


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
    predefined: tuple[Part, ...] = ()  # parts that the data set itself names
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

    def require_fits(self, dataset: Dataset, digests: Mapping[str, str], *, source: str, cure: str = _CURE) -> None:
        """Whether this divides exactly the images of `dataset`, whose digests are given.

        `source` names the split in the error, and `cure` says what to do.

        Raises:
            RefusedError: classes differ, or an image is missing, is new, or is not what it was.
        """
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


def stratified(
    dataset: Dataset,
    digests: Mapping[str, str],
    *,
    shares: Shares,
    seed: int,
    near_copies: Iterable[Collection[str]] = (),
) -> Split:
    """Divide each class by the same shares, at random but always alike for a seed.

    Copies of an image go into one part, and so do near copies, since what was trained on is no test. Where near copies
    leave a class too few groups, only equal files are kept together. How a class is divided depends on its own images
    alone, so that a new class changes no other.

    Raises:
        RefusedError: a class has fewer than three different images; the same image is in two classes.
    """
    require_one_class_an_image(dataset, digests)
    names = [sample.name for sample in dataset.samples]
    parts = _divided_classes(dataset, names, PARTS, digests, shares, seed, near_copies)
    return _split(dataset, digests, parts, seed=seed)


def predefined(
    dataset: Dataset,
    digests: Mapping[str, str],
    *,
    shares: Shares,
    seed: int,
    near_copies: Iterable[Collection[str]] = (),
) -> Split:
    """Take the parts that the data set itself names.

    A part that it does not name is taken out of its training part, as `stratified` would, by the shares of these two.

    Raises:
        RefusedError: the same image is in two parts or in two classes; a class has too few images to be divided.
    """
    require_one_class_an_image(dataset, digests)
    parts: dict[Part, list[str]] = {part: [] for part in PARTS}
    for sample in dataset.samples:
        parts[sample.part or "train"].append(sample.name)
    missing = [part for part in PARTS if part not in dataset.parts]
    if missing:
        wanted: tuple[Part, ...] = ("train", *missing)
        parts |= _divided_classes(dataset, parts["train"], wanted, digests, shares, seed, near_copies)
    return _split(dataset, digests, parts, seed=seed if missing else None, predefined=dataset.parts)


def require_apart(split: Split, *, source: str) -> None:
    """Refuse a split with the same image in two parts: what was trained on is no test.

    Raises:
        RefusedError: there is one; `source` names the split.
    """
    first: dict[str, tuple[Part, str]] = {}
    leaks: list[tuple[str, str]] = []
    for part in PARTS:
        for name in split.names(part):
            other_part, other = first.setdefault(split.digests[name], (part, name))
            if other_part != part:
                leaks.append((other, name))
    if leaks:
        more = f" ({len(leaks)} such pairs)" if len(leaks) > 1 else ""
        raise RefusedError(
            f"{source} has the same image in two parts, {leaks[0][0]!r} and {leaks[0][1]!r}{more}; remove one of each, "
            "or divide all images anew (--layout pooled where folders are the parts)"
        )


def near_copies_apart(split: Split, near_copies: Iterable[Collection[str]]) -> list[tuple[str, str]]:
    """Return one pair of names of each group of near copies that lie in different parts."""
    place = {name: part for part in PARTS for name in split.names(part)}
    pairs = []
    for group in near_copies:
        first, *others = sorted(group)
        if other := next((name for name in others if place[name] != place[first]), None):
            pairs.append((first, other))
    return pairs


def _split(
    dataset: Dataset,
    digests: Mapping[str, str],
    parts: Mapping[Part, Iterable[str]],
    *,
    seed: int | None,
    predefined: tuple[Part, ...] = (),
) -> Split:
    return Split(
        seed=seed,
        predefined=predefined,
        classes=dataset.classes,
        digests=dict(digests),
        train=tuple(sorted(parts["train"])),
        validation=tuple(sorted(parts["validation"])),
        test=tuple(sorted(parts["test"])),
    )


def _divided_classes(
    dataset: Dataset,
    names: Iterable[str],
    parts: Sequence[Part],
    digests: Mapping[str, str],
    shares: Shares,
    seed: int,
    near_copies: Iterable[Collection[str]],
) -> dict[Part, list[str]]:
    """The named samples in these parts, each class by itself."""
    near = {name: f"near {number}" for number, group in enumerate(near_copies) for name in group}
    members: dict[int, list[str]] = {label: [] for label in range(len(dataset.classes))}
    for name in names:
        members[dataset.by_name[name].label].append(name)
    divided: dict[Part, list[str]] = {part: [] for part in parts}
    for label, of_class in members.items():
        groups = _copies_together(of_class, {name: near.get(name, digests[name]) for name in of_class})
        if len(groups) < len(parts):
            groups = _copies_together(of_class, digests)
        if len(groups) < len(parts):
            raise RefusedError(
                f"the class {dataset.classes[label]!r} of {dataset.source} has "
                f"{_count(len(groups), 'different image')}, and each of {', '.join(parts)} needs one; "
                "add images or remove the class"
            )
        random.Random(f"{seed}/{dataset.classes[label]}").shuffle(groups)  # noqa: S311  not for secrets
        for part, taken in _divided(groups, parts, shares).items():
            divided[part] += [each for group in taken for each in group]
    return divided


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


def _divided(groups: Sequence[list[str]], parts: Sequence[Part], shares: Shares) -> dict[Part, list[list[str]]]:
    """The groups in these parts, of which the first is that for training: by rounded shares, but at least one each."""
    of_parts = {part: getattr(shares, part) for part in parts}
    first, *others = parts
    wanted = {part: max(1, round(len(groups) * of_parts[part] / sum(of_parts.values()))) for part in others}
    start = max(1, len(groups) - sum(wanted.values()))
    divided = {first: list(groups[:start])}
    for later, part in enumerate(others, 1 - len(others)):
        end = min(start + wanted[part], len(groups) + later) if later else len(groups)
        divided[part] = list(groups[start:end])
        start = end
    return divided


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
