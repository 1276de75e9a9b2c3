"""The extra that a command names; tests/faults/test_extras.py installs each of them."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from triptych_ops.cli.main import triptych
from triptych_ops.extras import _OF_COMMANDS, _OF_OPTIONS, _OF_PACKAGES, extra_of, missing_package_message


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (["serve", "stable"], "serve"),
        (["release", "list", "--json"], "cli"),
        (["release", "show", "--card", "html"], "cli,images"),
        (["release", "show", "--card=html"], "cli,images"),
        (["release", "verify", "7", "--key", "public.pem"], "sign"),
        (["serve", "--store", "s3://bucket", "--edge"], "edge,s3,serve"),
        (["loadtest", "run", "server"], "loadtest"),
        (["tune"], "loadtest,serve"),
        (["--help"], "cli"),
        ([], "cli"),
    ],
)
def test_each_command_has_its_extra(words: list[str], extra: str) -> None:
    assert extra_of(words) == extra


def test_what_an_option_needs_has_its_own_extra() -> None:
    """As where TRIPTYCH_STORE names a bucket."""
    message = missing_package_message(ModuleNotFoundError(name="s3fs.core"), extra="serve")
    assert message == "this needs the package s3fs; run: pip install 'triptych[s3,serve]'"


def test_a_module_of_ours_is_nothing_that_anybody_could_install() -> None:
    assert missing_package_message(ModuleNotFoundError(name="triptych_ops.nosuch"), extra="cli") is None


def test_the_tables_name_commands_and_extras_that_there_are(checkout: Path) -> None:
    commands = triptych.list_commands(triptych.make_context("triptych", ["serve"], resilient_parsing=True))
    assert {name.split()[0] for name in _OF_COMMANDS} <= set(commands)
    extras = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = {
        extra
        for value in (*_OF_COMMANDS.values(), *_OF_OPTIONS.values(), *_OF_PACKAGES.values())
        for extra in value.split(",")
    }
    assert named <= set(extras)


WITHOUT = """
import sys
from importlib.abc import MetaPathFinder

class Missing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == missing:
            raise ModuleNotFoundError(name=name)

_, missing, *words = sys.argv
sys.meta_path.insert(0, Missing())
sys.argv = ["triptych", *words]
from triptych_ops.entry import main
main()
"""


@pytest.mark.parametrize(
    ("package", "arguments", "extra"),
    [
        ("click", "serve stable", "serve"),
        ("click", "release list", "cli"),
        ("psutil", "serve", "serve"),
        ("psutil", "edge", "edge"),
        ("psutil", "probes", "pod"),
        ("psutil", "loadtest run server", "loadtest"),
        ("yaml", "rollout status", "rollout"),
        ("kubernetes", "rollout report", "rollout"),
        ("yaml", "monitoring rules --out x", "monitoring"),
        ("grafana_foundation_sdk", "monitoring dashboards --out x", "monitoring"),
        ("uvicorn", "gateway", "gateway"),
    ],
)
def test_a_command_without_its_packages_is_one_line(package: str, arguments: str, extra: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT, package, *arguments.split()]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert re.fullmatch(
        rf"triptych: this needs the package {package}; run: pip install 'triptych\[{extra}\]'\n", done.stderr
    )
