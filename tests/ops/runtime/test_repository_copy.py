from collections.abc import Callable
from pathlib import Path

import pytest

from triptych_ops.runtime.repository_copy import digests, remove_others


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    version = tmp_path / "repository" / "preprocess" / "7"
    version.mkdir(parents=True)
    (version / "model.py").write_text("import json\n")
    (version / "labels.txt").write_text("cat\n")
    return tmp_path / "repository"


CHANGES: dict[str, Callable[[Path], object]] = {
    "altered": lambda version: (version / "labels.txt").write_text("dog\n"),
    "added": lambda version: (version / "json.py").write_text(""),
    "removed": lambda version: (version / "labels.txt").unlink(),
    "a link to the same": lambda version: _link(version / "labels.txt"),
}


def _link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen(repository: Path, change: str) -> None:
    before = digests(repository)
    assert digests(repository) == before
    CHANGES[change](repository / "preprocess" / "7")
    assert digests(repository) != before


def test_what_came_later_is_removed(repository: Path) -> None:
    before = digests(repository)
    compiled = repository / "preprocess" / "7" / "__pycache__"
    compiled.mkdir()
    (compiled / "model.cpython-311.pyc").write_bytes(b"\0")
    (repository / "preprocess" / "json").symlink_to("/")
    assert digests(repository).keys() - before.keys() == {
        "preprocess/7/__pycache__/model.cpython-311.pyc",
        "preprocess/json",
    }
    remove_others(repository, before)
    assert digests(repository) == before
