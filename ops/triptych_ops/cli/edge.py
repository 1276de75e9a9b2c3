"""`triptych edge`: Envoy in front of a Triton that something else runs, as in a pod."""

import os
from dataclasses import replace

import click

from triptych_ops.runtime import Collector, Ports
from triptych_ops.runtime.edge import EXIT_TIMEOUT_S, Edge, EdgeSettings, Upstream, find_envoy, missing_descriptors

from .collector_option import collector_option
from .edge_options import edge_settings_options
from .options import seconds
from .output import say
from .stopping import stop_requested

_PORTS = Ports()
_LOOK_S = 0.5


@click.command()
@click.option("--http-port", type=click.IntRange(1, 65535), default=_PORTS.http, show_default=True, help="Triton's.")
@click.option("--grpc-port", type=click.IntRange(1, 65535), default=_PORTS.grpc, show_default=True, help="Triton's.")
@edge_settings_options
@collector_option
@click.option(
    "--drain-timeout",
    "drain_s",
    type=float,
    callback=seconds,
    default=EXIT_TIMEOUT_S,
    show_default=True,
    help="Seconds that requests under way get after SIGTERM.",
)
@click.option("--verbose", is_flag=True, help="Show Envoy's log.")
def edge(
    http_port: int, grpc_port: int, edge: EdgeSettings, collector: Collector | None, drain_s: float, verbose: bool
) -> None:
    """Run Envoy in front of a Triton on loopback until Ctrl-C or SIGTERM, as `triptych serve --edge` does.

    Triton need not run yet. At SIGTERM it takes no connection, tells those that are open to go, and ends once
    nothing is under way. It ends, too, where Envoy does: what started it starts it anew.
    """
    edge = replace(edge, collector=collector)
    envoy = find_envoy(os.environ)
    if edge.open_to_all:
        say("the edge lets everybody in; --api-keys or --client-ca name those who may ask")
    if warning := missing_descriptors(edge):
        say(f"warning: {warning}")
    with stop_requested() as stop:
        with Edge(envoy, edge, Upstream(http_port, grpc_port), verbose=verbose, drain_s=drain_s) as running:
            click.echo(f"listening on {edge.grpc_url}  {edge.http_url}")
            while not stop.wait(_LOOK_S):
                running.check_alive()
            say("stopping")
        say("stopped")
