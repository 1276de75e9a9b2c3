"""`triptych health`: is it serving, and rightly? One real classification."""

import dataclasses

import click

from triptych import Client

from . import failures
from .options import json_option, timeout_option, url_option
from .output import print_json


@click.command()
@url_option
@timeout_option
@json_option
@click.pass_context
def health(context: click.Context, url: str, timeout_s: float, as_json: bool) -> None:
    """Classify the built-in image and compare with the release's known answer; exit 0 when it is right."""
    with Client(url, timeout_s=timeout_s) as client:
        state = client.health()
    if as_json:
        print_json({"url": url, **dataclasses.asdict(state), "elapsed_s": round(state.elapsed_s, 6)})
    elif state.ok:
        click.echo(f"healthy: release {state.release} {state.reason} ({state.elapsed_s * 1000:.0f} ms)")
    else:
        click.echo(f"unhealthy: {state.reason}")
    context.exit(failures.DONE if state.ok else failures.FAILED)
