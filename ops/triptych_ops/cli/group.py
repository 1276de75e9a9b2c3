"""Groups of commands that import a command when it is asked for, so that each starts without what others need."""

import os
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NamedTuple

import click

from triptych_ops.extras import extra_of

from . import settings
from .failures import missing_package
from .misspelt import misspelt
from .output import say

_ARGUMENTS = f"{__name__}.arguments"  # in the context's `meta`, which all contexts of a call share


class Entry(NamedTuple):
    """Where a command is, and what the list of commands says of it."""

    place: str  # module:function, the module relative to this package
    summary: str


class Commands(click.Group):
    """A group whose commands are a table. Each gets its defaults from the settings file."""

    def __init__(self, *arguments: Any, entries: Mapping[str, Entry], **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._entries = entries

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's own; the arguments are kept for the case that a package is missing."""
        ctx.meta.setdefault(_ARGUMENTS, tuple(args))
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's interface
        """Their names, in the table's order."""
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None where there is none of this name.

        Raises:
            OpsError: a package that it needs is not installed.
        """
        if cmd_name not in self._entries:
            return None
        module, _, function = self._entries[cmd_name].place.partition(":")
        try:
            command: click.Command = getattr(import_module(module, __package__), function)
        except ModuleNotFoundError as error:
            raise missing_package(error, extra=_extra(ctx, cmd_name)) from error
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """As click's own. What a command imports while it runs is not always installed, either.

        Raises:
            OpsError: a package that the command needs is not installed.
        """
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            raise missing_package(error, extra=_extra(ctx, ctx.invoked_subcommand or "")) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's own, and the command's defaults are set from the settings file.

        Raises:
            MissingError, UsageError: as `settings.defaults`.
        """
        word = args[0]
        if word not in self._entries and not word.startswith("-") and not ctx.resilient_parsing:
            near = get_close_matches(word, self._entries)
            ctx.fail(f"No such command {word!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        name, command, rest = super().resolve_command(ctx, args)
        # Who asks for help may do so because of what the file holds.
        if name and not ctx.resilient_parsing and not set(rest) & set(ctx.help_option_names):
            ctx.default_map = settings.defaults(os.environ, ctx, name)
            if command is not None and not isinstance(command, click.Group):
                prefix = f"{ctx.auto_envvar_prefix}_{name.upper().replace('-', '_')}"
                for variable, meant in misspelt(os.environ, command, prefix):
                    say(f"{variable} in the environment is no setting and is ignored; did you mean {meant}?")
        return name, command, rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands for `--help`, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self._entries.items()])


def _extra(context: click.Context, name: str) -> str:
    """The extras of the command `name` of the context's group, with the arguments that were given."""
    _, *groups = context.command_path.split()
    return extra_of([*groups, name, *context.meta.get(_ARGUMENTS, ())])
