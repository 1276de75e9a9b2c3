"""How a command that runs until it is told to stop is told."""

import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click


class Interrupted(click.Abort):
    """Ctrl-C, with what the user should know: what is done, and how to go on."""


def same_command() -> str:
    """Return the command line of this process, as it is typed into a shell."""
    return shlex.join(["triptych", *sys.argv[1:]])


@contextmanager
def stop_requested() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set instead of ending the process."""
    stop = threading.Event()

    def request_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    previous = {number: signal.signal(number, request_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
