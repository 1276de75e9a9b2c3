"""What differs between two releases."""

from pathlib import Path

import pytest

import releases
from triptych_ops.errors import RefusedError
from triptych_ops.release import Change, Store, compare
from triptych_ops.release.comparison import (
    LabelChanges,
    MovedLabel,
    RenamedLabel,
    compare_configurations,
    compare_labels,
)

NOTHING = LabelChanges([], [], [], [])


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([], [], NOTHING),
        (["a", "b"], ["a", "b"], NOTHING),
        (["a", "b"], ["a", "b", "c"], LabelChanges(["c"], [], [], [])),
        (["a", "b"], ["a"], LabelChanges([], ["b"], [], [])),
        (["a", "b"], ["a", "B"], LabelChanges([], [], [RenamedLabel(1, "b", "B")], [])),
        (["a", "b"], ["b", "a"], LabelChanges([], [], [], [MovedLabel("a", [0], [1]), MovedLabel("b", [1], [0])])),
        (["a", "b"], ["c", "a"], LabelChanges(["c"], ["b"], [], [MovedLabel("a", [0], [1])])),
        # ImageNet has a crane that flies and a crane that lifts.
        (["crane", "a", "crane"], ["crane", "a", "crane"], NOTHING),
        (["crane", "a", "crane"], ["crane", "a", "lift"], LabelChanges([], [], [RenamedLabel(2, "crane", "lift")], [])),
        (
            ["crane", "a", "crane"],
            ["a", "crane", "crane"],
            LabelChanges([], [], [], [MovedLabel("crane", [0, 2], [1, 2]), MovedLabel("a", [1], [0])]),
        ),
    ],
)
def test_what_happened_to_labels(before: list[str], after: list[str], expected: LabelChanges) -> None:
    assert compare_labels(before, after) == expected
    assert bool(expected) == (before != after)


def test_a_configuration_is_compared_line_by_line() -> None:
    assert compare_configurations({"a": "1\n2\n", "b": "x"}, {"a": "1\n3\n", "c": "x"}) == {
        "a": ["@@ -1,2 +1,2 @@", " 1", "-2", "+3"]
    }


def test_releases_that_differ_in_their_number_alone_do_not_differ(folder_store: Store) -> None:
    first, second = (releases.publish_sound(folder_store, number) for number in (1, 22))
    assert first.manifest.files.keys() != second.manifest.files.keys()
    assert not compare(first, second)


def test_what_differs_is_found_in_each_place(folder_store: Store) -> None:
    first = releases.publish_sound(folder_store, 1)
    labels = ("cat", "dog", *releases.LABELS[2:])
    second = releases.publish_sound(folder_store, 2, labels=labels, health_class_id=1, top1_agreement=0.98)
    found = compare(first, second)
    assert found.changes[0] == Change("quality.top1_agreement", 1.0, 0.98)
    assert [change.what for change in found.changes] == ["quality.top1_agreement", "size_bytes"]
    assert found.labels == LabelChanges([], [], [RenamedLabel(1, "dog, hound", "dog")], [])
    assert list(found.configurations) == ["repository/image_classifier/config.pbtxt"]
    assert [line for line in found.configurations["repository/image_classifier/config.pbtxt"] if line[0] in "+-"] == [
        '-    string_value: "3"',
        '+    string_value: "1"',
    ]
    assert found.files_altered == ["repository/image_classifier/config.pbtxt", "repository/postprocess/N/labels.txt"]
    assert (found.files_added, found.files_removed) == ([], [])


def test_an_altered_file_is_not_compared(folder_store: Store) -> None:
    first, second = (releases.publish_sound(folder_store, number) for number in (1, 2))
    (Path(second.location) / "repository/postprocess/2/labels.txt").write_text("x\n" * 6, encoding="utf-8")
    with pytest.raises(RefusedError, match=r"labels\.txt was altered"):
        compare(first, second)
