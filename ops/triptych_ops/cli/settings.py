"""The settings file: defaults below flags and environment variables.

    store = "/srv/triptych"         # shared by every command that has the option
    url = "grpc://triton:8001"

    [serve]                         # of one command: its flags without the dashes
    http-port = 9000

It is `triptych.toml` in the working directory, or what TRIPTYCH_CONFIG names.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from triptych_ops.errors import MissingError, UsageError

VARIABLE = "TRIPTYCH_CONFIG"
_DEFAULT = Path("triptych.toml")
_SHARED = {"store", "timeout", "url"}


def defaults(environ: Mapping[str, str], context: click.Context, group: click.Group, name: str) -> dict[str, Any]:
    """Click's `default_map` for the command `name` of `group`, from the settings file; empty where there is none.

    Raises:
        MissingError: TRIPTYCH_CONFIG names no file.
        UsageError: the file is not TOML, or sets what there is not.
    """
    named = environ.get(VARIABLE)
    path = Path(named) if named else _DEFAULT
    if not path.is_file():
        if named:
            raise MissingError(f"{VARIABLE}={named} is not a file; name a TOML file or unset it")
        return {}
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from error

    tables = group.list_commands(context)
    shared = {key: value for key, value in document.items() if key not in tables}
    if unknown := sorted(shared.keys() - _SHARED):
        choice = ", ".join(sorted(_SHARED)) + " and the tables " + ", ".join(tables)
        raise UsageError(f"{path}: there is no setting {unknown[0]!r}; there are {choice}")
    own = document.get(name, {})
    if not isinstance(own, dict):
        raise UsageError(f"{path}: {name!r} is a table of settings; write [{name}] on a line of its own")
    command = group.get_command(context, name)
    return {name: _settings(shared, own, command, path)} if command else {}


def _settings(shared: dict[str, Any], own: dict[str, Any], command: click.Command, path: Path) -> dict[str, Any]:
    if isinstance(command, click.Group):  # `[release]` holds for `release list`, `release show` …
        return {name: _settings(shared, own, child, path) for name, child in command.commands.items()}
    parameters = {
        flag.removeprefix("--"): parameter.name
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for flag in parameter.opts
    }
    if unknown := sorted(own.keys() - parameters.keys()):
        raise UsageError(f"{path}: [{command.name}] has no setting {unknown[0]!r}; see triptych {command.name} --help")
    wanted = {key: value for key, value in (shared | own).items() if key in parameters}
    for key, value in wanted.items():
        if not isinstance(value, str | int | float):
            raise UsageError(f"{path}: {key} is {value!r}; write a string or a number")
    return {str(parameters[key]): value for key, value in wanted.items()}
