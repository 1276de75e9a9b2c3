"""`triptych probes`: tells a kubelet whether the Triton beside it serves, and rightly."""

import click

from triptych_ops.runtime import USUAL_ANSWER_S, Ports, Telling, Watch

from .options import seconds
from .output import say
from .stopping import stop_requested

_PORTS = Ports()
_PORT = click.IntRange(1, 65535)


@click.command()
@click.option("--address", metavar="IP", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=_PORT, default=8090, show_default=True, help="Where to listen.")
@click.option("--http-port", type=_PORT, default=_PORTS.http, show_default=True, help="Triton's.")
@click.option("--grpc-port", type=_PORT, default=_PORTS.grpc, show_default=True, help="Triton's.")
@click.option("--metrics-port", type=_PORT, default=_PORTS.metrics, show_default=True, help="Triton's.")
@click.option(
    "--usual-answer",
    "usual_answer_s",
    type=float,
    callback=seconds,
    default=USUAL_ANSWER_S,
    show_default=True,
    help="Seconds that an answer takes at most where there is no other work: a slow network gets more patience.",
)
def probes(address: str, port: int, http_port: int, grpc_port: int, metrics_port: int, usual_answer_s: float) -> None:
    """Ask the Triton on loopback for the known answer, again and again, and tell it by HTTP until SIGTERM.

    GET /readyz is 200 while the last answer was right. GET /livez is 503 while the server hangs, fails for good or
    answers wrongly, and 200 while it is merely full: its members get on with their work, as its metrics say.
    """
    watch = Watch(Ports(http_port, grpc_port, metrics_port), report=say, usual_answer_s=usual_answer_s)
    with stop_requested() as stop, watch, Telling(watch, address=address, port=port):
        click.echo(f"listening on {address} port {port}")
        stop.wait()
    say("stopped")
