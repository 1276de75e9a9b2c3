"""`triptych rollout undo`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from triptych_ops.cli.output import say
from triptych_ops.rollout import operations
from triptych_ops.rollout.operations import amend, under_way
from triptych_ops.rollout.state import Record

from .access import Place, operator, place_options
from .driving import audit_option, drive_to_end, taking, told
from .orders import why_option


@click.command("undo")
@why_option
@audit_option
@place_options
def undo(why: str, audit: Path | None, place: Place) -> None:
    """Put the release that the last promoted one replaced back on the stable track, pod by pod, without steps."""
    before = place.record()
    cluster = place.cluster(before.current.plan if before.current else None)

    def undoing(record: Record) -> Record:
        return operations.undo(record, cluster.observe(), by=operator(), at=datetime.now(UTC), why=why)

    lease = place.lease()
    taking(lease)
    try:
        rollout = under_way(amend(cluster, undoing))
    except BaseException:
        lease.leave()
        raise
    say(told(drive_to_end(place, rollout, lease=lease, audit=audit, as_json=False)))
