"""`triptych serve`: a release on the real Triton, on this machine."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType

import click

from triptych_ops import runtime
from triptych_ops.release import Store
from triptych_ops.release.signing import Trust

from .options import seconds
from .output import say
from .served_copy import copy_sound
from .sizing_options import sizing_options
from .store_option import store_option
from .trust_options import trust_options

_CHECK_S = 0.5  # between two looks whether the server still runs


class _StoppedError(Exception):
    """A signal came before there was a server."""


@click.command()
@click.argument("ref", metavar="[RELEASE]", required=False)
@store_option
@trust_options
@click.option("--http-port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--grpc-port", type=click.IntRange(1, 65535), default=8001, show_default=True)
@click.option("--metrics-port", type=click.IntRange(1, 65535), default=8002, show_default=True)
@click.option(
    "--ready-timeout",
    "ready_timeout_s",
    type=float,
    callback=seconds,
    envvar="TRIPTYCH_SERVE_READY_TIMEOUT",
    default=runtime.READY_TIMEOUT_S,
    show_default=True,
    help="Seconds to the first right answer.",
)
@sizing_options
@click.option("--verbose", is_flag=True, help="Show Triton's own log.")
def serve(
    ref: str | None,
    store: Store,
    trust: Trust | None,
    http_port: int,
    grpc_port: int,
    metrics_port: int,
    ready_timeout_s: float,
    sizing: runtime.Sizing,
    verbose: bool,
) -> None:
    """Serve RELEASE, a number or an alias, or the newest, on loopback until Ctrl-C or SIGTERM.

    Every file is checked against the manifest first, then the signature where one is asked for, and the
    repository as by `triptych lint`. Instances, threads and batches suit the cores of this machine. Ready means
    that a real classification of the built-in image gave the known answer.
    """
    release = store.release(ref)
    ports = runtime.Ports(http_port, grpc_port, metrics_port)
    installation = runtime.find_installation(os.environ)
    started = time.monotonic()
    with suppress(_StoppedError), _stop_requested() as stop:
        copy = partial(copy_sound, release, trust=trust, sizing=sizing, check=partial(_raise_once_set, stop))
        with runtime.Server(installation, copy, ports, verbose=verbose) as server:
            state = server.wait_ready(timeout_s=ready_timeout_s, cancelled=stop.is_set)
            if not stop.is_set():
                click.echo(f"ready after {time.monotonic() - started:.1f} s: release {release.number} {state.reason}")
                click.echo(f"  {ports.grpc_url}  {ports.http_url}  metrics {ports.metrics_url}")
                click.echo(f"  {sizing}")
            while not stop.wait(_CHECK_S):
                server.check_alive()
            say("stopping")
    say("stopped")


def _raise_once_set(stop: threading.Event) -> None:
    if stop.is_set():
        raise _StoppedError


@contextmanager
def _stop_requested() -> Iterator[threading.Event]:
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
