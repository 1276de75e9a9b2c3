"""`triptych lint`: what it prints, and how it exits."""

import json
from pathlib import Path

import pytest

from commands import triptych
from releases import publish_words
from triptych_ops.release import Store

CONFIG = """\
name: "m"
backend: "identity"
max_batch_size: -1
input [ { name: "IN" data_type: TYPE_FP32 dims: [ 1 ] } ]
output [ { name: "OUT" data_type: TYPE_FP32 dims: [ 1 ] } ]
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One model with one error, on line 3."""
    folder = tmp_path / "repository"
    (folder / "m" / "1").mkdir(parents=True)
    (folder / "m" / "config.pbtxt").write_text(CONFIG, encoding="utf-8")
    return folder


def test_a_finding_is_a_line_with_its_place_and_its_cure_below(repository: Path) -> None:
    done = triptych("lint", repository)
    assert done.returncode == 4
    assert done.stdout == ("m/config.pbtxt:3: error E210 max_batch_size is -1\n    write 0 (no batching) or more\n")
    assert done.stderr == f"{repository}: 1 error, 0 warnings\n"


def test_a_release_and_a_store_are_told_apart_from_their_repositories(tmp_path: Path) -> None:
    """As repositories they would be advised to remove release.json and the signature."""
    publish_words(Store(tmp_path), 7)
    release = tmp_path / "releases" / "7"
    for folder, words in (
        (release, f"is a release, not a model repository; run: triptych lint {release / 'repository'}"),
        (tmp_path, "is a store of releases, not a model repository; run: triptych lint"),
    ):
        done = triptych("lint", folder)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert words in done.stderr
    assert triptych("lint", release / "repository").returncode != 2


def test_programs_get_one_object(repository: Path) -> None:
    done = triptych("lint", repository, "--json")
    assert done.returncode == 4
    assert done.stderr == ""
    assert json.loads(done.stdout) == {
        "schema_version": 1,
        "path": str(repository),
        "findings": [
            {
                "code": "E210",
                "severity": "error",
                "path": "m/config.pbtxt",
                "line": 3,
                "message": "max_batch_size is -1",
                "cure": "write 0 (no batching) or more",
            }
        ],
        "errors": 1,
        "warnings": 0,
    }


def test_a_waived_code_is_no_finding(repository: Path) -> None:
    done = triptych("lint", repository, "--allow", "E210", "--allow", "E101")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"{repository}: 0 errors, 0 warnings\n"


def test_a_code_that_there_is_not_cannot_be_waived(repository: Path) -> None:
    done = triptych("lint", repository, "--allow", "E999")
    assert done.returncode == 2
    assert "E999" in done.stderr


def test_names_of_files_cannot_move_the_cursor(repository: Path) -> None:
    (repository / "m" / "1" / "\x1b[2J\n").write_text("x", encoding="utf-8")
    done = triptych("lint", repository)
    assert done.returncode == 4
    assert r"m/1/\x1b[2J\n: error E104" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(("path", "code"), [("nowhere", 3), ("repository/m/config.pbtxt", 2), ("link", 4)])
def test_what_is_no_folder_is_one_line_and_an_exit_code(repository: Path, tmp_path: Path, path: str, code: int) -> None:
    (tmp_path / "link").symlink_to(repository)
    done = triptych("lint", tmp_path / path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
