"""The command group, and the one place where errors become a line and an exit code."""

import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from triptych import TriptychError

from . import failures
from .build import build
from .classify import classify
from .demo import demo
from .health import health
from .release import release
from .serve import serve

_INTERRUPTED = 130  # 128 + SIGINT, as shells say


@click.group(context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "TRIPTYCH"})
@click.version_option(package_name="triptych")
def triptych() -> None:
    """Build, serve and call image classifiers on Triton.

    Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 a gate refused, 5 timed out, 6 inconclusive.
    """


for _command in (build, classify, demo, health, release, serve):
    triptych.add_command(_command)


def run() -> int:
    """Run the command line and return its exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        status = triptych.main(prog_name="triptych", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        sys.stderr.write(error.format_message() + "\n")
        return failures.USAGE
    except click.Abort:
        sys.stderr.write("triptych: interrupted\n")
        return _INTERRUPTED
    except (click.ClickException, TriptychError, OSError) as error:
        sys.stderr.write(f"triptych: {failures.line(error)}\n")
        return failures.exit_code(error)
    return status if isinstance(status, int) else 0


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    """End by way of every `finally`, so that nothing half-done stays behind."""
    sys.exit(128 + signal.SIGTERM)
