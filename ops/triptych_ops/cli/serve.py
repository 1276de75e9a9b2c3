"""`triptych serve`: a release on the real Triton, on this machine."""

import os
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from triptych_ops import runtime
from triptych_ops.release import Store
from triptych_ops.release.signing import Trust
from triptych_ops.runtime.edge import Edge, EdgeSettings, Limits, Upstream, find_envoy

from .collector_option import collector_option
from .edge_options import edge_options
from .options import seconds
from .output import say
from .served_copy import copy_sound
from .sizing_options import sizing_options
from .stopping import stop_requested
from .store_option import store_option
from .trust_options import Acceptance, acceptance_options, trust_options


class _StoppedError(Exception):
    """A signal came before there was a server."""


@click.command()
@click.argument("ref", metavar="[RELEASE]", required=False)
@store_option
@trust_options
@acceptance_options
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
@edge_options
@collector_option
@click.option("--verbose", is_flag=True, help="Show Triton's own log, and Envoy's.")
def serve(
    ref: str | None,
    store: Store,
    trust: Trust | None,
    acceptance: Acceptance,
    http_port: int,
    grpc_port: int,
    metrics_port: int,
    ready_timeout_s: float,
    sizing: runtime.Sizing,
    edge: EdgeSettings | None,
    collector: runtime.Collector | None,
    verbose: bool,
) -> None:
    """Serve RELEASE, a number or an alias, or the newest, on loopback until Ctrl-C or SIGTERM.

    Every file is checked against the manifest first, then the signature where one is asked for, and the
    repository as by `triptych lint`. Instances, threads and batches suit the cores of this machine. Ready means
    that a real classification of the built-in image gave the known answer. It goes on to be asked: a server or
    a stub of it that dies, hangs or answers wrongly is replaced, and stderr says so; what goes on to fail ends
    the command.

    With --edge the real Envoy listens as well, for others than this machine's own: it lets in inference of the
    ensemble, within limits, and nothing else.
    """
    edge = replace(edge, collector=collector) if edge else None
    release = acceptance.release(store, ref, trust)
    ports = runtime.Ports(http_port, grpc_port, metrics_port)
    envoy = find_envoy(os.environ) if edge else None  # first: the extra that has it has Triton as well
    installation = runtime.find_installation(os.environ)
    if edge and edge.open_to_all:
        say("the edge lets everybody in; --api-keys or --client-ca name those who may ask")
    started = time.monotonic()
    with suppress(_StoppedError), stop_requested() as stop:
        body_bytes = (edge.limits if edge else Limits()).max_body_bytes

        def copy(repository: Path) -> None:
            copy_sound(release, repository, trust=trust, sizing=sizing, check=partial(_raise_once_set, stop))
            if short := runtime.shortage(repository, body_bytes=body_bytes):
                say(short)

        with ExitStack() as running:
            server = running.enter_context(
                runtime.Server(installation, copy, ports, collector=collector, verbose=verbose)
            )
            state = server.wait_ready(timeout_s=ready_timeout_s, cancelled=stop.is_set)
            parts = []
            if edge and envoy and not stop.is_set():
                upstream = Upstream(ports.http, ports.grpc)
                parts.append(running.enter_context(Edge(envoy, edge, upstream, verbose=verbose)))
            if not stop.is_set():
                click.echo(f"ready after {time.monotonic() - started:.1f} s: release {release.number} {state.reason}")
                click.echo(f"  {ports.grpc_url}  {ports.http_url}  metrics {ports.metrics_url}")
                if edge:
                    metrics = f"  metrics {edge.metrics_url}" if edge.metrics_url else ""
                    click.echo(f"  edge {edge.grpc_url}  {edge.http_url}{metrics}")
                click.echo(f"  {sizing}")
            supervisor = runtime.Supervisor(server, parts=parts, report=say, ready_timeout_s=ready_timeout_s)
            supervisor.run(stop, fastest_s=state.elapsed_s)
            say("stopping")
    say("stopped")


def _raise_once_set(stop: threading.Event) -> None:
    if stop.is_set():
        raise _StoppedError
