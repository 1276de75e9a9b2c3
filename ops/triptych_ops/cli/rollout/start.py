"""`triptych rollout start`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import print_json, say
from triptych_ops.cli.release.soundness import require_sound
from triptych_ops.cli.store_option import store_option
from triptych_ops.cli.trust_options import trust_options
from triptych_ops.errors import MissingError
from triptych_ops.release import Manifest, Store
from triptych_ops.release.signing import Trust
from triptych_ops.rollout.budget import Forced, overridden
from triptych_ops.rollout.course import course_of
from triptych_ops.rollout.operations import amend, begin, under_way
from triptych_ops.rollout.plan import load_plan
from triptych_ops.rollout.state import Binding, Golden, Record

from .access import Place, operator, place_options
from .driving import audit_option, drive_to_end, exit_code, taking, told
from .rehearsal import print_rehearsal


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
@click.option("--dry-run", is_flag=True, help="Show every object that would change, as a diff, and change nothing.")
@audit_option
@store_option
@trust_options
@place_options
@json_option
@click.pass_context
def start(
    context: click.Context,
    ref: str,
    plan_file: Path | None,
    digest: str | None,
    reason: str | None,
    dry_run: bool,
    audit: Path | None,
    store: Store,
    trust: Trust | None,
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
    binding, golden, checked = _chosen(store, ref, digest, trust)
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
    if dry_run:
        print_rehearsal(cluster, under_way(begun), course)
        if is_new:
            overridden(plan, namespace=place.names.namespace, forced=forced)
        return
    forced_why = overridden(plan, namespace=place.names.namespace, forced=forced) if is_new else None
    lease = place.lease()
    taking(lease)

    rollout = under_way(amend(cluster, lambda record: beginning(record, forced_why)))
    ended = drive_to_end(place, rollout, lease=lease, audit=audit, as_json=as_json)
    if as_json:
        print_json({"rollout": ended.number, "phase": ended.phase, "release": ended.release.release})
    say(told(ended))
    context.exit(exit_code(ended))


def _read(plan: Path | None) -> str:
    if plan is None:
        return ""
    if not plan.is_file():
        raise MissingError(f"there is no plan {plan}; name a file, or leave --plan out for the usual one")
    return plan.read_text(encoding="utf-8")


def _chosen(store: Store, ref: str, digest: str | None, trust: Trust | None) -> tuple[Binding, tuple[Golden, ...], str]:
    """The release, its golden answers, and what was checked: of one from the store files, signature and repository.

    Raises:
        RefusedError: it is not sound.
    """
    if digest is not None:
        if not ref.isdigit():
            raise click.UsageError("--manifest-sha256 needs a number for --release")
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise click.UsageError(f"--manifest-sha256 is {digest!r}, not 64 hexadecimal digits")
        return Binding(release=int(ref), manifest_sha256=digest), (), "its digest was given, the pods check it"
    release = store.release(ref)
    with store.local_copy(release) as copy:
        require_sound(copy, release, trust=trust, called=f"release {release.number}")
    signed = "a signature that is trusted" if trust else "no signature asked for"
    checked = f"files as in its manifest, {signed}, nothing found by lint"
    binding = Binding(release=release.number, manifest_sha256=release.manifest_sha256)
    return binding, golden_of(release.manifest), checked


def golden_of(manifest: Manifest) -> tuple[Golden, ...]:
    """The best class of each golden answer."""
    return tuple(
        Golden(photograph=each.image, class_id=best.class_id, label=best.label, score=best.score)
        for each in manifest.golden
        for best in each.predictions[:1]
    )


def _now() -> datetime:
    return datetime.now(UTC)
