"""`triptych rollout start`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import print_json, say
from triptych_ops.cli.store_option import store_option
from triptych_ops.cli.trust_options import Acceptance, acceptance_options, trust_options
from triptych_ops.errors import MissingError
from triptych_ops.release import Store
from triptych_ops.release.signing import Trust
from triptych_ops.rollout.budget import Forced, overridden
from triptych_ops.rollout.course import Way, course_of
from triptych_ops.rollout.errors import ConflictError
from triptych_ops.rollout.operations import amend, begin, under_way
from triptych_ops.rollout.plan import load_plan
from triptych_ops.rollout.state import Record

from .access import Place, operator, place_options
from .chosen import chosen
from .driving import audit_option, drive_to_end, exit_code, taking, told
from .rehearsal import print_new, print_rehearsal


@click.command("start")
@click.option("--release", "ref", required=True, metavar="REF", help="A number or an alias of the store.")
@click.option(
    "--plan", "plan_file", type=click.Path(path_type=Path), metavar="FILE", help="The plan; else the usual one."
)
@click.option(
    "--manifest-sha256",
    "digest",
    metavar="HEX",
    help="The release's digest, instead of a look into the store: the pods check all the same what they pull.",
)
@click.option(
    "--force",
    "reason",
    metavar="REASON",
    help="Begin although less than a tenth of the error budget is left; who forced it and why is recorded.",
)
@click.option("--in-cluster", is_flag=True, help="Leave the driving to a Job of the cluster, and return at once.")
@click.option(
    "--job-image", metavar="IMAGE", help="Of that Job: `triptych` with the extra `rollout`.  [as the candidate's pull]"
)
@click.option("--dry-run", is_flag=True, help="Show every object that would change, as a diff, and change nothing.")
@audit_option
@store_option
@trust_options
@acceptance_options
@place_options
@json_option
@click.pass_context
def start(
    context: click.Context,
    ref: str,
    plan_file: Path | None,
    digest: str | None,
    reason: str | None,
    in_cluster: bool,
    job_image: str | None,
    dry_run: bool,
    audit: Path | None,
    store: Store,
    trust: Trust | None,
    acceptance: Acceptance,
    place: Place,
    as_json: bool,
) -> None:
    """Roll release REF out over what the stable track serves, and stay until that has ended.

    Run again with the same arguments it goes on where it was. Exit 0 when the release is promoted, 4 when a gate or
    the evidence refused it, 6 when the evidence was inconclusive for too long; all traffic is back on the stable track.
    """
    text = _read(plan_file)
    plan = load_plan(text)
    course = course_of(plan)
    binding, golden, checked = chosen(store, ref, digest, trust, acceptance)
    cluster = place.cluster(text)
    by = operator()

    def beginning(record: Record, why: str | None = None) -> Record:
        world = cluster.observe()
        return begin(
            record,
            world,
            release=binding,
            golden=golden,
            checked=checked,
            plan=text,
            course=course,
            by=by,
            at=_now(),
            overridden=why,
        )

    record, _ = cluster.read()
    begun = beginning(record)
    if begun == record and under_way(begun).ended:
        say(told(under_way(begun)))
        return
    forced = Forced(by, reason) if reason else None
    is_new = begun != record
    if is_new and course.way is Way.MIRROR:
        cluster.require_mirroring()
    if dry_run:
        print_rehearsal(cluster, under_way(begun), course)
        if in_cluster:
            print_new(cluster.job(under_way(begun), image=job_image))
        if is_new:
            overridden(plan, namespace=place.names.namespace, forced=forced)
        return
    forced_why = overridden(plan, namespace=place.names.namespace, forced=forced) if is_new else None
    lease = place.lease()
    if not in_cluster:
        taking(lease)

    rollout = under_way(amend(cluster, lambda record: beginning(record, forced_why)))
    if in_cluster:
        job = cluster.job(rollout, image=job_image)
        _leave_to(job, place)
        if as_json:
            print_json({"rollout": rollout.number, "job": job["metadata"]["name"], "release": rollout.release.release})
        return
    ended = drive_to_end(place, rollout, lease=lease, audit=audit, as_json=as_json)
    if as_json:
        print_json({"rollout": ended.number, "phase": ended.phase, "release": ended.release.release})
    say(told(ended))
    context.exit(exit_code(ended))


def _leave_to(job: dict[str, Any], place: Place) -> None:
    """Create the Job, unless it is there from an earlier try."""
    name = job["metadata"]["name"]
    try:
        place.create_job(job)
    except ConflictError:
        say(f"Job {name} is there already; where it has failed, delete it and run this again")
    say(f"Job {name} drives it: triptych rollout status --watch, kubectl logs --follow job/{name}")


def _read(plan: Path | None) -> str:
    if plan is None:
        return ""
    if not plan.is_file():
        raise MissingError(f"there is no plan {plan}; name a file, or leave --plan out for the usual one")
    return plan.read_text(encoding="utf-8")


def _now() -> datetime:
    return datetime.now(UTC)
