from pathlib import Path
from typing import Any

import click
import pytest

from commands import triptych
from triptych_ops.cli.settings import defaults
from triptych_ops.errors import MissingError, UsageError

from .conftest import Command


@click.command("serve")
@click.option("--store")
@click.option("--http-port", type=int)
def serve(**_: Any) -> None: ...


@click.group("release")
def release() -> None: ...


@release.command("list")
@click.option("--store")
def list_releases(**_: Any) -> None: ...


@release.command("prune")
@click.option("--store")
@click.option("--keep", type=int)
def prune_releases(**_: Any) -> None: ...


@release.command("verify")
@click.option("--key", "trusted_key")
def verify_release(**_: Any) -> None: ...


@release.command("pull")
@click.option("--key", "trusted_key")
@click.option("--minimum")
def pull_release(**_: Any) -> None: ...


@release.command("sign")
@click.option("--key", "private_key")
def sign_release(**_: Any) -> None: ...


@click.group(commands=[serve, release])
def group() -> None: ...


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"TRIPTYCH_CONFIG": str(tmp_path / "settings.toml")}


def settings_of(name: str, environment: dict[str, str]) -> dict[str, Any]:
    return defaults(environment, click.Context(group), name)


def settings_of_release(name: str, environment: dict[str, str]) -> dict[str, Any]:
    context = click.Context(release, parent=click.Context(group, info_name="triptych"), info_name="release")
    return defaults(environment, context, name)


def test_shared_settings_reach_the_commands_that_have_them(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "settings.toml").write_text('store = "a"\nurl = "b"\n[serve]\nhttp-port = 9000\n')
    assert settings_of("serve", environment) == {"serve": {"store": "a", "http_port": 9000}}
    assert settings_of("release", environment) == {}
    assert settings_of_release("list", environment) == {"list": {"store": "a"}}


def test_a_commands_own_setting_beats_the_shared_one(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "settings.toml").write_text('store = "a"\n[serve]\nstore = "b"\n')
    assert settings_of("serve", environment) == {"serve": {"store": "b"}}


def test_the_table_of_a_group_gives_each_command_what_it_has(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "settings.toml").write_text(
        'store = "a"\n[release]\nstore = "b"\nkeep = 3\nminimum = 7\n'
        '[release.prune]\nkeep = 4\n[release.sign]\nkey = "c"\n'
    )
    assert settings_of_release("list", environment) == {"list": {"store": "b"}}
    assert settings_of_release("prune", environment) == {"prune": {"store": "b", "keep": 4}}
    assert settings_of_release("pull", environment) == {"pull": {"minimum": 7}}
    assert settings_of_release("sign", environment) == {"sign": {"private_key": "c"}}
    assert settings_of_release("verify", environment) == {"verify": {}}
    assert settings_of("serve", environment) == {"serve": {"store": "a"}}


def test_what_commands_take_for_different_things_is_no_setting_of_their_group(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "settings.toml").write_text('[release]\nkey = "k.pem"\n')
    for name in ("list", "sign", "verify"):
        with pytest.raises(UsageError, match=r"\[release\] cannot hold 'key'.*\[release.sign\], \[release.verify\]$"):
            settings_of_release(name, environment)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[release]\nkepe = 3", r"\[release\] has no setting 'kepe'.*see triptych release --help$"),
        ("[release.lists]\nstore = 3", r"\[release\] has no setting 'lists'"),
        ("[release.list]\nkeep = 3", r"\[release.list\] has no setting 'keep'; see triptych release list --help$"),
        ("[release]\nlist = 3", r"'release.list' is a table of settings; write \[release.list\]"),
        ("[release.list.store]\nx = 3", "store is {'x': 3}; write a string or a number"),
    ],
)
def test_what_no_command_of_a_group_has_is_refused_by_name(
    tmp_path: Path, environment: dict[str, str], content: str, words: str
) -> None:
    (tmp_path / "settings.toml").write_text(content)
    with pytest.raises(UsageError, match=words):
        settings_of_release("list", environment)


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


def test_every_command_of_triptych_gets_its_own_settings(command: Command) -> None:
    Path("triptych.toml").write_text('[release]\nkeep = 3\nstore = "of-file"\n[release.sign]\nkey = "k.pem"\n')
    for arguments in (["list"], ["prune"], ["prune", "--keep", "2"], ["verify"]):
        done = command("release", *arguments)
        assert (done.status, "of-file" in done.stderr) == (3, True), done.stderr
    assert "there is no file k.pem" in command("release", "sign", "7").stderr


def test_help_is_given_whatever_the_file_holds(command: Command) -> None:
    Path("triptych.toml").write_text("[release.list]\nkeep = 3\n")
    done = command("release", "list")
    assert done.status == 2
    assert done.stderr.endswith("[release.list] has no setting 'keep'; see triptych release list --help\n")
    done = command("release", "list", "--help")
    assert done.status == 0
    assert "--store" in done.stdout


def test_flag_beats_environment_beats_file(tmp_path: Path) -> None:
    (tmp_path / "triptych.toml").write_text('store = "of-file"\n')
    listed = ("release", "list")
    assert "no store at of-file" in triptych(*listed, cwd=tmp_path).stderr
    environment = {"TRIPTYCH_STORE": "of-environment"}
    assert "no store at of-environment" in triptych(*listed, cwd=tmp_path, env=environment).stderr
    assert "no store at of-flag" in triptych(*listed, "--store", "of-flag", cwd=tmp_path, env=environment).stderr
