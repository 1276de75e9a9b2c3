"""`triptych health`: is it serving, and rightly? One real classification."""

import dataclasses

import click

from triptych import Health

from . import failures
from .client_options import ServerOptions, client_options
from .options import json_option
from .output import print_json, printable


@click.command()
@client_options
@json_option
@click.pass_context
def health(context: click.Context, server: ServerOptions, as_json: bool) -> None:
    """Classify the built-in image and compare with the release's known answer.

    Exit 0 when it is right, 1 when it is wrong or nobody is there, 5 when there is no answer in time.
    """
    with server.client() as client:
        state = client.health()
    if as_json:
        print_json({"url": server.url, **dataclasses.asdict(state), "elapsed_s": round(state.elapsed_s, 6)})
    elif state.ok:
        reason = printable(state.reason)
        click.echo(f"healthy: release {state.release} {reason} ({state.elapsed_s * 1000:.0f} ms)")
    else:
        click.echo(f"unhealthy: {printable(failures.in_options(state.reason))}")
    context.exit(_exit_code(state, server.timeout_s))


def _exit_code(state: Health, timeout_s: float) -> int:
    if state.ok:
        return failures.DONE
    hung = not state.answered and state.elapsed_s >= timeout_s
    return failures.TIMED_OUT if hung else failures.FAILED
