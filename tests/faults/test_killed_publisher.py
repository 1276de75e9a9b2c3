"""Case 12: kill -9 at every call that writes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import releases
from triptych_ops.release import Store

pytestmark = pytest.mark.server
Publisher = Any
_FOLDER_BYTES, _BUCKET_BYTES = 2_000_000, 20_000_000  # a bucket gets the latter in parts
_POINTS = 400  # more than there are


def with_release(folder: Path, *, size_bytes: int) -> str:
    """A store with release 7: a large file and three small ones."""
    store = Store(folder)
    with store.staging() as staged:
        (staged / "repository" / "1").mkdir(parents=True)
        (staged / "repository" / "1" / "model.onnx").write_bytes(bytes(size_bytes))
        for name in ("config.pbtxt", "labels.txt", "model.py"):
            (staged / "repository" / name).write_text("x", encoding="utf-8")
        store.publish(staged, releases.manifest(7, staged))
    return store.location


def test_case_12_a_killed_publisher_leaves_no_half_release(
    location: Callable[[], str], publisher: Callable[[str], Publisher], tmp_path: Path
) -> None:
    in_parts = location().startswith("s3://")
    source = with_release(tmp_path / "source", size_bytes=_BUCKET_BYTES if in_parts else _FOLDER_BYTES)
    ann = publisher("ann@host")
    killed = whole = 0
    for kill_at in range(_POINTS):
        store = location()
        answer = ann.do("add", store=store, source=source, kill_at=kill_at)
        if not answer["killed"]:
            assert answer["output"] is True  # beyond the last call
            break
        killed += 1
        found = ann.do("settle", store=store, source=source)["output"]
        assert found["left"] in ([], [7]), f"killed at {kill_at}"
        whole += found["left"] == [7]
        assert found["written"] is (found["left"] == []), f"killed at {kill_at}"
        assert found["settled"] == [7]
        assert not [name for name in found["files"] if "/." in f"/{name}"], f"killed at {kill_at}"
        assert (found["written_again"], found["unchanged"]) == (False, True), f"killed at {kill_at}"
    assert killed >= 12
    assert 0 < whole < killed  # the control: some were killed before the release appeared, and some after
    kind = "bucket" if in_parts else "folder"
    print(f"case 12: {kind}: killed at {killed} points, {whole} of them after the release appeared; 0 half releases")


def test_case_12_a_killed_pull_is_completed_by_the_next(publisher: Callable[[str], Publisher], tmp_path: Path) -> None:
    source = with_release(tmp_path / "source", size_bytes=_FOLDER_BYTES)
    ann = publisher("ann@host")
    killed = half = 0
    for kill_at in range(_POINTS):
        folder = tmp_path / f"target-{kill_at}"
        if not ann.do("pull", source=source, folder=str(folder), kill_at=kill_at)["killed"]:
            break
        killed += 1
        visible = (folder / "repository").exists()
        half += not visible
        if visible:
            assert (folder / "release.json").exists()
        assert ann.do("pull", source=source, folder=str(folder))["output"] is not visible, f"killed at {kill_at}"
        assert sorted(path.name for path in folder.iterdir()) == ["release.json", "repository"]
        assert ann.do("pull", source=source, folder=str(folder))["output"] is False
    assert killed >= 12
    assert 0 < half < killed
    print(f"case 12: pull killed at {killed} points, {half} of them before anything was visible; all completed")
