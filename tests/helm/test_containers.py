"""Containerfiles: who runs in them, on what, with which extras; and the Triton that the test image has."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from helm.chart import render

_CONTAINERS = Path(__file__).parents[2] / "ops" / "containers"
_FILES = {path.parent.name: path.read_text(encoding="utf-8") for path in sorted(_CONTAINERS.glob("*/Containerfile"))}


def test_there_is_one_for_the_server_the_tooling_the_load_generator_and_tests() -> None:
    assert set(_FILES) == {"loadtest", "server", "test", "tooling"}


@pytest.mark.parametrize("name", _FILES)
def test_bases_are_given_by_whoever_builds_and_nobody_is_root(name: str) -> None:
    text = _FILES[name]
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert bases
    for base in bases:
        argument = base.strip("${}")
        assert base == f"${{{argument}}}"
        assert re.search(rf"^ARG {argument}$", text, re.MULTILINE), "an ARG without a default"
    last = [line for line in text.splitlines() if line.startswith("USER ")][-1]
    user = render().pod()["securityContext"]["runAsUser"]
    assert last == f"USER {user}:{user}"


@pytest.mark.parametrize("name", _FILES)
def test_what_they_install_of_ours_is_an_extra_that_there_is(name: str, checkout: Path) -> None:
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {extra for named in re.findall(r"/source\[([\w,]+)\]", _FILES[name]) for extra in named.split(",")}
    assert wanted <= set(project["optional-dependencies"])
    for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", _FILES[name], re.MULTILINE):
        assert all((checkout / path).exists() for path in copied.split())


def test_the_layout_of_the_test_image_starts_triton_with_any_flag(tmp_path: Path) -> None:
    folder = tmp_path / "opt" / "tritonserver"
    program = _CONTAINERS / "test" / "lay_out.py"
    subprocess.run([sys.executable, str(program), str(folder)], check=True, timeout=60)
    assert {path.name for path in (folder / "backends").iterdir()} == {"onnxruntime", "python"}
    started = [str(folder / "bin" / "tritonserver"), "--model-repository"]
    # An environment without anything: the libraries and the Python of Triton are found by themselves.
    result = subprocess.run(started, env={}, capture_output=True, text=True, timeout=60, check=False)
    assert "option '--model-repository' requires an argument" in result.stderr
