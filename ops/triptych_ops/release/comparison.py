"""What differs between two releases; pure."""

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from .manifest import Manifest
from .published import Release

# Compared in another way, or always new.
_APART = {"schema_version", "number", "created_at", "git_commit", "files", "golden"}
_OWN_NUMBER = "N"
_SIZE = "size_bytes"


@dataclass(frozen=True, slots=True)
class Change:
    """One figure or word of the manifest: `quality.top1_agreement`; None on the side that has none."""

    what: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class RenamedLabel:
    """Another word for the same class."""

    class_id: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class MovedLabel:
    """The same word for other classes."""

    label: str
    before: list[int]
    after: list[int]


@dataclass(frozen=True, slots=True)
class LabelChanges:
    """Labels by what happened to them; one that was renamed is neither removed nor added."""

    added: list[str]
    removed: list[str]
    renamed: list[RenamedLabel]
    moved: list[MovedLabel]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.renamed or self.moved)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs. File names and configurations have `N` for the release's own number."""

    changes: list[Change]
    labels: LabelChanges
    configurations: dict[str, list[str]]  # file -> lines of a unified diff
    files_added: list[str]
    files_removed: list[str]
    files_altered: list[str]

    def __bool__(self) -> bool:
        lists = (self.changes, self.configurations, self.files_added, self.files_removed, self.files_altered)
        return bool(self.labels) or any(lists)


def compare(before: Release, after: Release) -> Comparison:
    """Read what the comparison of two releases needs, and compare.

    Raises:
        RefusedError: a file that is read is missing or altered.
    """
    sides = [_Side.of(release) for release in (before, after)]
    old, new = (side.contents for side in sides)
    figures = [_figures(release.manifest) for release in (before, after)]
    if old != new:  # otherwise the sizes differ by the digits of the numbers at most
        figures = [{**figures[0], _SIZE: before.manifest.size_bytes}, {**figures[1], _SIZE: after.manifest.size_bytes}]
    return Comparison(
        changes=list(_changes(*figures)),
        labels=compare_labels(*(side.labels for side in sides)),
        configurations=compare_configurations(*(side.configurations for side in sides)),
        files_added=sorted(new.keys() - old.keys()),
        files_removed=sorted(old.keys() - new.keys()),
        files_altered=sorted(name for name in old.keys() & new.keys() if old[name] != new[name]),
    )


def compare_labels(before: Sequence[str], after: Sequence[str]) -> LabelChanges:
    """What happened to labels, each side in the order of class ids. A label may stand for several classes."""
    gone, come = Counter(before) - Counter(after), Counter(after) - Counter(before)
    renamed = []
    for class_id, (old, new) in enumerate(zip(before, after, strict=False)):
        if gone[old] and come[new]:
            renamed.append(RenamedLabel(class_id, old, new))
            gone[old] -= 1
            come[new] -= 1
    places_before, places_after = _places(before), _places(after)
    moved = [
        MovedLabel(label, places, places_after[label])
        for label, places in places_before.items()
        if len(places) == len(places_after.get(label, [])) and places != places_after[label]
    ]
    return LabelChanges(sorted(come.elements()), sorted(gone.elements()), renamed, moved)


def compare_configurations(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[str]]:
    """Name -> unified diff of each configuration that both sides have and that differs."""
    return {
        name: list(difflib.unified_diff(before[name].splitlines(), after[name].splitlines(), lineterm="", n=2))[2:]
        for name in sorted(before.keys() & after.keys())
        if before[name] != after[name]
    }


@dataclass(frozen=True, slots=True)
class _Side:
    contents: dict[str, str]  # file -> what tells its content from another
    labels: list[str]
    configurations: dict[str, str]

    @classmethod
    def of(cls, release: Release) -> "_Side":
        number, files = release.number, release.manifest.files
        labels = [name for name in files if name.endswith("/labels.txt")]
        # Files that name the release's number differ whenever it does, so their text is compared without it.
        numbered = {
            _without_number(name, number): _without_number_in_text(_text(release, name), number)
            for name in files
            if name.endswith((".pbtxt", "/release"))
        }
        return cls(
            contents={_without_number(name, number): found.sha256 for name, found in files.items()} | numbered,
            labels=[label for name in labels for label in _text(release, name).splitlines()],
            configurations={name: text for name, text in numbered.items() if name.endswith(".pbtxt")},
        )


def _text(release: Release, name: str) -> str:
    return release.read(name).decode("utf-8", errors="replace")


def _figures(manifest: Manifest) -> dict[str, Any]:
    document = manifest.model_dump(mode="json", exclude=_APART)
    golden = {answer.image: answer.predictions[0].label for answer in manifest.golden}
    return dict(_flat({**document, "golden": golden}))


def _flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in document.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for what in dict.fromkeys((*before, *after)):
        if before.get(what) != after.get(what):
            yield Change(what, before.get(what), after.get(what))


def _places(labels: Sequence[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for class_id, label in enumerate(labels):
        places.setdefault(label, []).append(class_id)
    return places


def _without_number(name: str, number: int) -> str:
    parts = PurePosixPath(name).parts
    return "/".join(_OWN_NUMBER if part == str(number) else part for part in parts)


def _without_number_in_text(text: str, number: int) -> str:
    if text.strip() == str(number):
        return _OWN_NUMBER
    return re.sub(rf"\b(versions|model_version):\s*{number}\b", rf"\1: {_OWN_NUMBER}", text)
