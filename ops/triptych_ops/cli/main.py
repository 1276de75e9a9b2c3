"""The command group, and the one place where errors become a line and an exit code."""

import io
import os
import signal
import sys
from types import FrameType
from typing import Any, NoReturn

import click

from triptych import TriptychError

from . import failures
from .group import Commands, Entry
from .output import printable
from .stopping import Interrupted

_INTERRUPTED = 130  # 128 + SIGINT, as shells say
_ENTRIES = {
    "build": Entry(".build:build", "Build the next release from weights, and measure it."),
    "classify": Entry(".classify:classify", "Classify image files and folders."),
    "data": Entry(".data:data", "Check and convert labelled images."),
    "demo": Entry(".demo:demo", "Build, serve and classify bundled photographs."),
    "edge": Entry(".edge:edge", "Put Envoy in front of a server."),
    "evaluate": Entry(".evaluate.command:evaluate", "Measure a trained network, by itself and served."),
    "export": Entry(".export:export", "Write a run's network as ONNX or LiteRT."),
    "features": Entry(".features:features", "Describe images by features, in a table."),
    "gateway": Entry(".gateway:gateway", "Answer plain HTTP in JSON, and show a page."),
    "health": Entry(".health:health", "Ask a server for a known answer."),
    "lint": Entry(".lint:lint", "Check a Triton model repository, of any origin."),
    "loadtest": Entry(".loadtest:loadtest", "Ask a server much, and say what it carries."),
    "monitoring": Entry(".monitoring:monitoring", "Write rules and dashboards; tell the error budget."),
    "probes": Entry(".probes:probes", "Tell a kubelet whether a server serves, and rightly."),
    "release": Entry(".release:release", "List, check, compare, sign and move releases."),
    "rollout": Entry(".rollout:rollout", "Roll one release out over another on Kubernetes."),
    "serve": Entry(".serve:serve", "Serve a release on this machine."),
    "train": Entry(".train:train", "Train a network on a folder of labelled images."),
    "top": Entry(".top:top", "Show what servers and edges do now."),
    "tune": Entry(".tune:tune", "Find the settings of `serve` that carry most on this machine."),
}


@click.group(
    cls=Commands,
    entries=_ENTRIES,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "TRIPTYCH"},
)
# Not by environment: TRIPTYCH_VERSION=… of a deployment would turn every command into `--version`.
@click.version_option(package_name="triptych", allow_from_autoenv=False)
def triptych() -> None:
    """Build, serve and call image classifiers on Triton.

    Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 a gate refused, 5 timed out, 6 inconclusive.
    """


def run() -> int:
    """Run the command line and return its exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, _terminate)
    if sys.stdout is None:  # closed by the caller
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123
    if sys.stdout is sys.__stdout__ and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout = _named(sys.stdout)
    try:
        status = triptych.main(prog_name="triptych", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        sys.stderr.write(error.format_message() + "\n")
        return failures.USAGE
    except click.Abort as error:
        words = f"; {printable(str(error))}" if isinstance(error, Interrupted) else ""
        sys.stderr.write(f"triptych: interrupted{words}\n")
        return _INTERRUPTED
    except BrokenPipeError:  # the reader of stdout has gone, as in `triptych … | head`
        _leave_stdout()
        return failures.FAILED
    except (click.ClickException, TriptychError, OSError) as error:
        if isinstance(error, OSError) and error.filename == failures.STANDARD_OUTPUT:
            _leave_stdout()
        sys.stderr.write(f"triptych: {failures.line(error)}\n")
        return failures.exit_code(error)
    return status if isinstance(status, int) else 0


def _leave_stdout() -> None:
    """Drop what could not be written, which the interpreter would try to write once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _StandardOutput(io.FileIO):
    """The file behind standard output. Its errors say that it is this one, so that nothing else is blamed."""

    def write(self, data: Any) -> int:
        """As FileIO's.

        Raises:
            OSError: it cannot be written.
        """
        try:
            return super().write(data)
        except OSError as error:
            error.filename = failures.STANDARD_OUTPUT
            raise


def _named(stdout: io.TextIOWrapper) -> io.TextIOWrapper:
    """The same standard output, whose errors say so; a file name in it need not be text in this locale."""
    return io.TextIOWrapper(
        io.BufferedWriter(_StandardOutput(stdout.fileno(), "w", closefd=False)),
        encoding=stdout.encoding,
        errors="backslashreplace",
        line_buffering=stdout.line_buffering,
        write_through=stdout.write_through,
    )


def _terminate(number: int, _frame: FrameType | None) -> NoReturn:
    """End by way of every `finally`, so that nothing half-done stays behind."""
    sys.stderr.write(f"triptych: stopped by {signal.Signals(number).name}\n")
    sys.exit(128 + number)
