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


def defaults(environ: Mapping[str, str], command_name: str, command: click.Command) -> dict[str, Any]:
    """Click's `default_map` for one command, from the settings file; empty where there is none.

    Raises:
        MissingError: TRIPTYCH_CONFIG names no file.
        UsageError: the file is not TOML, or sets what the command does not have.
    """
    named = environ.get(VARIABLE)
    path = Path(named) if named else _DEFAULT
    if not path.is_file():
        if named:
            raise MissingError(f"{VARIABLE}={named} is not a file; name a TOML file or unset it")
        return {}
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from error

    shared = {key: value for key, value in document.items() if not isinstance(value, dict)}
    own = document.get(command_name, {})
    return _settings(shared, own, command, path)


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
    return {str(parameters[key]): value for key, value in (shared | own).items() if key in parameters}
