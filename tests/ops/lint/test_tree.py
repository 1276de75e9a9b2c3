"""What changes between listing and reading is not followed either."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from triptych_ops.lint import contents
from triptych_ops.lint.tree import Tree

from .canary import Canary

FILE = "classifier/1/model.onnx"


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Canary]:
    with Canary(tmp_path / "canary") as canary:
        yield canary


def _link(file: Path, canary: Path) -> None:
    file.symlink_to(canary / "model.onnx")


def _linked_folder(file: Path, canary: Path) -> None:
    file.parent.rename(canary.parent / "moved")
    file.parent.symlink_to(canary)


def _pipe(file: Path, _: Path) -> None:
    os.mkfifo(file)


def _hard_link(file: Path, _: Path) -> None:
    file.with_name("other").write_bytes(b"x")
    file.hardlink_to(file.with_name("other"))


def _nothing(_: Path, __: Path) -> None: ...


@pytest.mark.parametrize("replace", [_link, _linked_folder, _pipe, _hard_link, _nothing])
def test_a_file_that_is_replaced_after_it_was_listed_is_not_read(
    repository: Path, canary: Canary, replace: Callable[[Path, Path], None]
) -> None:
    with Tree(repository) as tree:
        entry = tree.entries[FILE]
        assert list(contents.check(tree, [entry])) == []
        (repository / FILE).unlink()
        replace(repository / FILE, canary.folder)
        canary.opened()
        with pytest.raises(OSError, match=r"."):
            tree.read(FILE, most_bytes=10)
        assert [finding.code for finding in contents.check(tree, [entry])] == ["E115"]
        assert canary.opened() == 0


def test_what_is_read_ends_where_it_was_told(repository: Path) -> None:
    with Tree(repository) as tree:
        assert tree.read("image_classifier/1/release", most_bytes=1) == b"1"
        assert tree.read("image_classifier/1/release", most_bytes=100) == b"1\n"


def test_no_descriptor_stays_open(repository: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with Tree(repository) as tree:
            tree.read(FILE, most_bytes=1)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
