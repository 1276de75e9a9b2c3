"""`triptych tune` on the real server, in its shortest form: minutes of load, for a quiet machine."""

import json
import tomllib
from pathlib import Path

import pytest

from commands import triptych


def test_batches_are_tried_against_the_defaults(store: Path, tmp_path: Path) -> None:
    done = triptych(
        *("tune", "--store", store, "--setting", "batch", "--rounds", 1, "--pairs", 1, "--seconds", 2),
        *("--out", tmp_path, "--json"),
        timeout_s=600,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {each["settings"].get("batch") for each in told["screening"]} >= {None, 1, 4, 8}
    assert all(per_s > 0 for each in told["screening"] for per_s in each["per_s"])
    settings = tmp_path / "triptych.toml"
    assert settings.exists() is told["is_better"]
    if told["is_better"]:
        assert tomllib.loads(settings.read_text())["serve"] == told["best"]
    print(f"tune: {done.stderr.splitlines()[-1]}")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--setting", "cache"), 2, "no setting is called 'cache'; there are"),
        (("9",), 3, "has no release 9"),
        (("--p99", "soon"), 2, "soon"),
        (("--pictures", "nowhere"), 3, "name a folder with pictures"),
    ],
)
def test_bad_input_is_one_line(
    arguments: tuple[str, ...], status: int, words: str, store: Path, tmp_path: Path
) -> None:
    done = triptych("tune", "--store", store, *arguments, "--out", tmp_path / "tune")
    assert (done.returncode, done.stdout) == (status, "")
    assert words in done.stderr.splitlines()[-1]
    assert not (tmp_path / "tune").exists()
