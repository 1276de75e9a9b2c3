"""The command line where no server is needed: usage, missing things, refusals."""

import json
import re
import subprocess
import sys
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
        (["clasify"], 2, "No such command 'clasify'. Did you mean 'classify'?"),
        (["release", "lst"], 2, "No such command 'lst'. Did you mean 'list'?"),
        (["release", "x"], 2, "No such command 'x' (see triptych release --help)"),
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


@pytest.mark.parametrize("manifest", [b"{", b"\x00", b'{"schema_version": 1}'])
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


@pytest.mark.parametrize(("group", "files"), [("", "*.py"), ("release", "release/*.py")])
def test_help_lists_every_command_and_imports_none(command: Command, checkout: Path, group: str, files: str) -> None:
    folder = checkout / "ops" / "triptych_ops" / "cli"
    decorated = re.compile(
        r"^@click.(?:command|group)\((?:\"(\w+)\")?.*?\)\n(?:@.*\n|    .*\n|\)\n)*def (\w+)", re.MULTILINE
    )
    sources = [*folder.glob(files), *(folder.glob("*/command.py") if not group else ())]
    made = {named or name for file in sources for named, name in decorated.findall(file.read_text())}
    if not group:
        made |= {file.parent.name for file in folder.glob("*/__init__.py") if "@click.group" in file.read_text()}
    assert len(made - {"triptych", group}) >= 7
    done = command(*group.split(), "--help")
    listed = re.findall(r"^  (\w+) +[A-Z].*\.$", done.stdout.partition("Commands:")[2], re.MULTILINE)
    assert set(listed) == made - {"triptych", group}
    for name in listed:
        assert command(*group.split(), name, "--help").status == 0


@pytest.mark.parametrize(
    ("arguments", "unneeded"),
    [
        (["--help"], {"rich", "pydantic", "grpc"}),
        (["release", "--help"], {"rich", "pydantic", "grpc", "jinja2"}),
        (["release", "list"], {"rich", "jinja2", "onnx", "model_signing", "triptych_ops.card", "triptych_ops.lint"}),
        (["serve", "--help"], {"rich", "jinja2", "onnx", "model_signing", "triptych_ops.card"}),
        (["health", "--help"], {"rich", "pydantic", "triptych_ops.release"}),
    ],
    ids=" ".join,
)
def test_a_command_imports_what_it_needs(tmp_path: Path, arguments: list[str], unneeded: set[str]) -> None:
    question = (
        f"import sys; from triptych_ops.cli import run; run(); print(*{unneeded} & set(sys.modules), file=sys.stderr)"
    )
    command = [sys.executable, "-c", question, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.stderr.split("\n")[-2] == "", done.stderr


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
        (folder / "release.json").write_bytes(b"{")
    done = command("release", "list", "--store", tmp_path, "--json")
    assert done.status == 4
    assert done.document["releases"] == []
    assert [line.split("/release.json")[0][-1] for line in done.stderr.splitlines()] == ["2", "0"]


@pytest.mark.parametrize("variable", ["TRIPTYCH_KEY", "TRIPTYCH_CERTIFICATE_CHAIN", "TRIPTYCH_IDENTITY"])
def test_an_empty_secret_does_not_switch_the_signature_off(
    command: Command, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "")
    done = command("release", "verify")
    assert done.status == 2
    assert f"{variable} is empty" in done.stderr


@pytest.mark.parametrize("location", ["", " ", "s3:/bucket/x", "s3:bucket"])
def test_what_is_no_store_makes_no_folder(command: Command, location: str) -> None:
    done = command("release", "list", "--store", location)
    assert done.status == 2
    assert list(Path.cwd().iterdir()) == []


def test_a_tilde_is_the_home_folder(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert f"no store at {tmp_path / 'home' / 'models'}" in command("release", "list", "--store", "~/models").stderr


def test_an_interrupt_while_packages_are_imported_is_one_line() -> None:
    program = (
        "import sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'triptych_ops.cli':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "from triptych_ops.entry import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "triptych: interrupted\n")
