"""Which files of folders are classified, and in which order."""

import os
from pathlib import Path

import pytest

from triptych_ops.cli.folder.walk import NOT_NAMED, NOT_RECURSIVE, SEEN, SPECIAL, Found, find_images

_DEEPEST = 24  # folders of 200 letters: more than a path may have


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder `photos` of files by many names; the working directory is above it."""
    folder = tmp_path / "photos"
    (folder / "b" / "deeper").mkdir(parents=True)
    for name in ("z.jpg", "a.PNG", "c.webp", "B.jpeg", "readme.txt", "jpg", "b/2.jpg", "b/10.jpg", "b/deeper/1.jfif"):
        (folder / name).write_bytes(b"x")
    return folder


def names(found: Found, root: Path) -> list[str]:
    return [str(Path(path).relative_to(root)) for path in found.files]


def test_a_folder_gives_its_files_by_name(root: Path) -> None:
    found = find_images([str(root)])
    assert names(found, root) == ["B.jpeg", "a.PNG", "c.webp", "z.jpg"]
    assert found.skipped == {NOT_NAMED: 2, NOT_RECURSIVE: 1}
    assert found.unreadable == []


def test_folders_in_it_come_at_their_place(root: Path) -> None:
    found = find_images([str(root)], recursive=True)
    assert names(found, root) == ["B.jpeg", "a.PNG", "b/10.jpg", "b/2.jpg", "b/deeper/1.jfif", "c.webp", "z.jpg"]


def test_all_takes_every_suffix(root: Path) -> None:
    found = find_images([str(root)], every=True)
    assert names(found, root) == ["B.jpeg", "a.PNG", "c.webp", "jpg", "readme.txt", "z.jpg"]


def test_what_is_named_as_a_file_is_taken_whatever_it_is_and_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root.parent)
    paths = ["missing.jpg", "photos/readme.txt", "photos/z.jpg", "photos/", "./photos/z.jpg", ""]
    assert find_images(paths).files == [
        *("missing.jpg", "photos/readme.txt", "photos/z.jpg"),
        *("photos/B.jpeg", "photos/a.PNG", "photos/c.webp", ""),
    ]


def test_a_loop_of_links_ends_and_a_linked_folder_is_read_once(root: Path) -> None:
    (root / "b" / "up").symlink_to(root)
    (root / "b" / "self").symlink_to(root / "b")
    (root / "linked").symlink_to(root / "b" / "deeper")
    found = find_images([str(root), str(root / "b")], recursive=True)
    assert len(found.files) == len(set(found.files)) == 7
    assert found.skipped[SEEN] == 4


def test_a_link_into_nothing_and_a_pipe_are_skipped(root: Path) -> None:
    (root / "gone.jpg").symlink_to("nowhere")
    (root / "loop.jpg").symlink_to("loop.jpg")
    os.mkfifo(root / "pipe.jpg")
    found = find_images([str(root)])
    assert len(found.files) == 4
    assert found.skipped[SPECIAL] == 3


def test_a_folder_that_cannot_be_read_does_not_hide_the_others(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root / "b")
    for _ in range(_DEEPEST):
        Path("x" * 200).mkdir()
        os.chdir("x" * 200)
    found = find_images([str(root)], recursive=True)
    assert len(found.files) == 7
    (error,) = found.unreadable
    assert error.strerror == "File name too long"


def test_a_name_that_is_no_text_is_found(root: Path) -> None:
    Path(os.fsdecode(os.fsencode(root) + b"/\xff.jpg")).write_bytes(b"x")
    assert find_images([str(root)]).files[-1] == f"{root}/\udcff.jpg"
