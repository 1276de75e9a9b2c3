"""The command group, and the one place where errors become a line and an exit code."""

import io
import os
import signal
import sys
from importlib import import_module
from types import FrameType
from typing import NoReturn

import click

from triptych import TriptychError

from . import failures, settings
from .failures import missing_package

_INTERRUPTED = 130  # 128 + SIGINT, as shells say


class _Commands(click.Group):
    """Commands by file, imported when they are asked for: `classify` starts without what `build` needs."""

    _NAMES = ("build", "classify", "demo", "health", "lint", "release", "serve")

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's interface
        return list(self._NAMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in self._NAMES:
            return None
        try:
            module = import_module(f".{cmd_name}", __package__)
        except ModuleNotFoundError as error:
            raise missing_package(error, extra="cli") from error
        command: click.Command = getattr(module, cmd_name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "TRIPTYCH"})
# Not by environment: TRIPTYCH_VERSION=… of a deployment would turn every command into `--version`.
@click.version_option(package_name="triptych", allow_from_autoenv=False)
@click.pass_context
def triptych(context: click.Context) -> None:
    """Build, serve and call image classifiers on Triton.

    Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 a gate refused, 5 timed out, 6 inconclusive.
    """
    if isinstance(context.command, click.Group) and context.invoked_subcommand:
        context.default_map = settings.defaults(os.environ, context, context.command, context.invoked_subcommand)


def run() -> int:
    """Run the command line and return its exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, _terminate)
    if sys.stdout is None:  # closed by the caller
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file name need not be text in this locale
    try:
        status = triptych.main(prog_name="triptych", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        sys.stderr.write(error.format_message() + "\n")
        return failures.USAGE
    except click.Abort:
        sys.stderr.write("triptych: interrupted\n")
        return _INTERRUPTED
    except BrokenPipeError:  # the reader of stdout has gone, as in `triptych … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return failures.FAILED
    except (click.ClickException, TriptychError, OSError) as error:
        sys.stderr.write(f"triptych: {failures.line(error)}\n")
        return failures.exit_code(error)
    return status if isinstance(status, int) else 0


def _terminate(number: int, _frame: FrameType | None) -> NoReturn:
    """End by way of every `finally`, so that nothing half-done stays behind."""
    sys.stderr.write(f"triptych: stopped by {signal.Signals(number).name}\n")
    sys.exit(128 + number)
