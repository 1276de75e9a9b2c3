"""`triptych rollout drive`."""

from pathlib import Path

import click

from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import say
from triptych_ops.rollout.operations import under_way

from .access import Place, place_options
from .driving import audit_option, drive_to_end, exit_code, taking, told


@click.command("drive")
@audit_option
@place_options
@json_option
@click.pass_context
def drive(context: click.Context, audit: Path | None, place: Place, as_json: bool) -> None:
    """Drive the rollout that is under way to its end, as `start` would; it begins none."""
    rollout = under_way(place.record())
    if not rollout.ended:
        lease = place.lease()
        taking(lease)
        rollout = drive_to_end(place, rollout, lease=lease, audit=audit, as_json=as_json)
    say(told(rollout))
    context.exit(exit_code(rollout))
