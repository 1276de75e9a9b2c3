"""`triptych rollout abort`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from triptych_ops.cli.output import say
from triptych_ops.rollout import operations
from triptych_ops.rollout.operations import amend, under_way
from triptych_ops.rollout.state import Record

from .access import Place, operator, place_options
from .driving import audit_option, drive_to_end, told
from .orders import why_option


@click.command("abort")
@why_option
@audit_option
@place_options
def abort(why: str, audit: Path | None, place: Place) -> None:
    """Send all traffic to the stable track, at the release it had; a second time it changes nothing.

    It waits for no Lease and for nobody: whoever drives the rollout, or is dead, all of them write the same.
    """

    def aborting(record: Record) -> Record:
        found = under_way(record)
        at = datetime.now(UTC)
        return record.going_on(operations.abort(found, by=operator(), at=at, why=why or "an operator says so"))

    rollout = under_way(amend(place.cluster(None), aborting))
    ended = drive_to_end(place, rollout, lease=None, audit=audit, as_json=False)
    say(told(ended))
