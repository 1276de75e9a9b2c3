"""The settings file: defaults below flags and environment variables.

    store = "/srv/triptych"         # shared by every command that has the option
    url = "grpc://triton:8001"

    [serve]                         # of one command: its flags without the dashes
    http-port = 9000

    [release]                       # of every `triptych release …` that has the flag
    json = true

    [release.prune]                 # of `triptych release prune`
    keep = 3

It is `triptych.toml` in the working directory, or what TRIPTYCH_CONFIG names.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from triptych_ops.errors import MissingError, UsageError

_Table = dict[str, Any]

VARIABLE = "TRIPTYCH_CONFIG"
_DEFAULT = Path("triptych.toml")
_SHARED = {"store", "timeout", "url"}


def defaults(environ: Mapping[str, str], context: click.Context, name: str) -> _Table:
    """Click's `default_map` for the command `name` of the context's group, from the settings file.

    Empty where there is no file, and for a group: its commands get theirs when one of them is asked for.

    Raises:
        MissingError: TRIPTYCH_CONFIG names no file.
        UsageError: the file is not TOML, or sets what there is not, or what two commands take for different things.
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
    try:
        return _defaults(document, context, name)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def _defaults(document: _Table, context: click.Context, name: str) -> _Table:
    shared: _Table = {}
    table, names = document, list[str]()
    for group, group_context, child in _descent(context, name):
        children = group.list_commands(group_context)
        mine = {key: value for key, value in table.items() if key not in children}
        if mine and names:
            _require_alike(mine, group, group_context, names)
        elif unknown := sorted(mine.keys() - _SHARED):
            choice = ", ".join(sorted(_SHARED)) + " and the tables " + ", ".join(children)
            raise UsageError(f"there is no setting {unknown[0]!r}; there are {choice}")
        shared |= mine
        names.append(child)
        table = table.get(child, {})
        if not isinstance(table, dict):
            title = ".".join(names)
            raise UsageError(f"{title!r} is a table of settings; write [{title}] on a line of its own")

    command = group.get_command(group_context, name)
    if command is None or isinstance(command, click.Group):
        return {}
    parameters = _parameters(command)
    if unknown := sorted(table.keys() - parameters.keys()):
        raise UsageError(f"[{'.'.join(names)}] has no setting {unknown[0]!r}; see triptych {' '.join(names)} --help")
    wanted = {key: value for key, value in (shared | table).items() if key in parameters}
    for key, value in wanted.items():
        if not isinstance(value, str | int | float):
            raise UsageError(f"{key} is {value!r}; write a string or a number")
    return {name: {parameters[key]: value for key, value in wanted.items()}}


def _descent(context: click.Context, name: str) -> list[tuple[click.Group, click.Context, str]]:
    """The groups from the root to the context's own, each with the name of what is asked of it."""
    steps: list[tuple[click.Group, click.Context, str]] = []
    above: click.Context | None = context
    while above is not None and isinstance(above.command, click.Group):
        steps.append((above.command, above, name))
        name, above = above.info_name or "", above.parent
    return steps[::-1]


def _require_alike(settings: _Table, group: click.Group, context: click.Context, names: list[str]) -> None:
    """Whether each setting of a group's table is known to a command of it, and means the same to all that know it."""
    children = {child: group.get_command(context, child) for child in group.list_commands(context)}
    flags = {child: _parameters(command) for child, command in children.items() if command is not None}
    table, words = ".".join(names), " ".join(names)
    for key in sorted(settings):
        meanings = {child: parameters[key] for child, parameters in flags.items() if key in parameters}
        if not meanings:
            raise UsageError(f"[{table}] has no setting {key!r}, nor has a command of it; see triptych {words} --help")
        if len(set(meanings.values())) > 1:
            choice = ", ".join(f"[{table}.{child}]" for child in meanings)
            raise UsageError(
                f"[{table}] cannot hold {key!r}, which its commands take for different things; use {choice}"
            )


def _parameters(command: click.Command) -> dict[str, str]:
    """Flag without its dashes -> the parameter that it sets."""
    return {
        flag.removeprefix("--"): str(parameter.name)
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for flag in parameter.opts
    }
