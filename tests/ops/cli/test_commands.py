"""The command line where no server is needed: usage, missing things, refusals."""

import json
import subprocess
from pathlib import Path

import pytest

from commands import TRIPTYCH, triptych
from triptych_ops.photographs import PHOTOGRAPHS

from .conftest import Command

COFFEE = PHOTOGRAPHS[1].path


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["classify", COFFEE, "--url", "ftp://x"], 2, "the scheme must be"),
        (["classify", COFFEE, "--url", "localhost:8001"], 2, "the scheme must be"),
        (["classify", COFFEE, "--url", "grpc://127.0.0.1:1"], 1, "no gRPC server answers at grpc://127.0.0.1:1"),
        (["classify", COFFEE, "--url", "http://127.0.0.1:1"], 1, "no HTTP server answers at http://127.0.0.1:1"),
        (["classify", COFFEE, "--top-k", "0"], 2, "0 is not in the range"),
        (["classify"], 2, "Missing argument 'IMAGE...'"),
        (["serve", "--store", "nowhere"], 3, "there is no store at nowhere"),
        (["serve", "--store", "."], 3, "holds no release; run: triptych build"),
        (["serve", "x", "--store", "."], 3, "no alias 'x'"),
        (["serve", "--key", "k.pem", "--identity", "a@b.c"], 2, "exclude each other"),
        (["serve", "--http-port", "70000"], 2, "70000 is not in the range"),
        (["release", "list", "--store", "nowhere"], 3, "there is no store at nowhere"),
        (["release", "show", "7", "--store", "."], 3, "holds no release"),
        (["release", "list", "--store", "gs://bucket"], 2, "a store is a folder or s3://BUCKET/PREFIX"),
        (["lint", "nowhere"], 3, "nowhere"),
        (["clasify"], 2, "No such command 'clasify'"),
    ],
)
def test_one_line_and_the_documented_exit_code(command: Command, arguments: list[str], status: int, words: str) -> None:
    done = command(*arguments)
    assert done.status == status
    assert done.stdout == ""
    line = done.stderr.splitlines()[-1]
    assert line.startswith("triptych: ")
    assert words in line
    assert "Traceback" not in done.stderr
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize("manifest", [b"{", b"", b'{"schema_version": 1}'])
@pytest.mark.parametrize("arguments", [["release", "show"], ["release", "list"], ["serve"]], ids=" ".join)
def test_a_corrupt_manifest_is_refused_by_name(
    command: Command, tmp_path: Path, manifest: bytes, arguments: list[str]
) -> None:
    folder = tmp_path / "releases" / "3"
    folder.mkdir(parents=True)
    (folder / "release.json").write_bytes(manifest)
    done = command(*arguments, "--store", tmp_path)
    assert done.status == 4
    (line,) = done.stderr.splitlines()
    assert str(folder / "release.json") in line
    assert "is corrupt" in line


def test_a_folder_without_a_manifest_is_no_release(command: Command, tmp_path: Path) -> None:
    (tmp_path / "releases" / "3" / "repository").mkdir(parents=True)
    done = command("release", "show", "--store", tmp_path)
    assert done.status == 3
    assert "holds no release" in done.stderr


def test_health_of_a_server_that_is_not_there(tmp_path: Path) -> None:
    done = triptych("health", "--url", "grpc://127.0.0.1:1", "--json", cwd=tmp_path)
    assert done.returncode == 1
    state = json.loads(done.stdout)
    assert (state["schema_version"], state["ok"], state["release"]) == (1, False, None)
    assert "no gRPC server answers" in state["reason"]


def test_settings_come_from_the_environment_and_a_flag_beats_them(tmp_path: Path) -> None:
    environment = {"TRIPTYCH_URL": "grpc://127.0.0.1:1", "TRIPTYCH_STORE": str(tmp_path / "env")}
    assert "127.0.0.1:1" in triptych("classify", COFFEE, env=environment).stderr
    assert "127.0.0.1:2" in triptych("classify", COFFEE, "--url", "grpc://127.0.0.1:2", env=environment).stderr
    assert "no store at" in triptych("release", "list", env=environment).stderr


def test_help_names_the_exit_codes_and_every_command() -> None:
    done = triptych("--help")
    assert done.returncode == 0
    for word in ("build", "classify", "demo", "health", "release", "serve", "4 a gate refused"):
        assert word in done.stdout


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    with subprocess.Popen([str(TRIPTYCH), "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_one_bad_release_does_not_hide_the_others(command: Command, tmp_path: Path) -> None:
    for number in (2, 10):
        folder = tmp_path / "releases" / str(number)
        folder.mkdir(parents=True)
        (folder / "release.json").touch()
    done = command("release", "list", "--store", tmp_path, "--json")
    assert done.status == 4
    assert done.document["releases"] == []
    assert [line.split("/release.json")[0][-1] for line in done.stderr.splitlines()] == ["2", "0"]
