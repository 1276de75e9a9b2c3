from pathlib import Path
from typing import Any

import click
import pytest

from commands import triptych
from triptych_ops.cli.settings import defaults
from triptych_ops.errors import MissingError, UsageError


@click.command("serve")
@click.option("--store")
@click.option("--http-port", type=int)
def serve(**_: Any) -> None: ...


@click.group("release")
def release() -> None: ...


@release.command("list")
@click.option("--store")
def list_releases(**_: Any) -> None: ...


@click.group(commands=[serve, release])
def group() -> None: ...


def settings_of(name: str, environment: dict[str, str]) -> dict[str, Any]:
    return defaults(environment, click.Context(group), group, name)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"TRIPTYCH_CONFIG": str(tmp_path / "settings.toml")}


def test_shared_settings_reach_the_commands_that_have_them(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "settings.toml").write_text('store = "a"\nurl = "b"\n[serve]\nhttp-port = 9000\n')
    assert settings_of("serve", environment) == {"serve": {"store": "a", "http_port": 9000}}
    assert settings_of("release", environment) == {"release": {"list": {"store": "a"}}}


def test_a_commands_own_setting_beats_the_shared_one(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "settings.toml").write_text('store = "a"\n[serve]\nstore = "b"\n')
    assert settings_of("serve", environment) == {"serve": {"store": "b"}}


def test_an_unknown_setting_is_refused_by_name(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "settings.toml").write_text("[serve]\nhttp-prot = 9000\n")
    with pytest.raises(UsageError, match=r"settings.toml: \[serve\] has no setting 'http-prot'"):
        settings_of("serve", environment)


@pytest.mark.parametrize(
    ("content", "words"),
    [("stroe = 1", "no setting 'stroe'"), ("[serv]", "no setting 'serv'"), ("serve = 1", "'serve' is a table")],
)
def test_a_misspelt_name_is_refused_and_never_ignored(
    tmp_path: Path, environment: dict[str, str], content: str, words: str
) -> None:
    (tmp_path / "settings.toml").write_text(content)
    with pytest.raises(UsageError, match=words):
        settings_of("serve", environment)


@pytest.mark.parametrize("content", [b"store = ", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_refused(tmp_path: Path, environment: dict[str, str], content: bytes) -> None:
    (tmp_path / "settings.toml").write_bytes(content)
    with pytest.raises(UsageError, match="is not TOML"):
        settings_of("serve", environment)


def test_a_named_file_must_be_there(environment: dict[str, str]) -> None:
    with pytest.raises(MissingError, match="is not a file"):
        settings_of("serve", environment)


def test_flag_beats_environment_beats_file(tmp_path: Path) -> None:
    (tmp_path / "triptych.toml").write_text('store = "of-file"\n')
    listed = ("release", "list")
    assert "no store at of-file" in triptych(*listed, cwd=tmp_path).stderr
    environment = {"TRIPTYCH_STORE": "of-environment"}
    assert "no store at of-environment" in triptych(*listed, cwd=tmp_path, env=environment).stderr
    assert "no store at of-flag" in triptych(*listed, "--store", "of-flag", cwd=tmp_path, env=environment).stderr
