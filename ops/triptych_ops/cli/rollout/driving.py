"""Drives a rollout to its end and says each decision."""

from contextlib import nullcontext
from pathlib import Path

import click

from triptych_ops.cli import failures
from triptych_ops.cli.output import print_json, say
from triptych_ops.rollout.audit import AuditFile, Everybody, line
from triptych_ops.rollout.cluster import KubernetesCluster
from triptych_ops.rollout.course import Gates, course_of
from triptych_ops.rollout.engine import Announcer, Engine
from triptych_ops.rollout.gates import gates_of
from triptych_ops.rollout.judging import judge_of
from triptych_ops.rollout.lease import DURATION_S, Lease
from triptych_ops.rollout.plan import Plan, load_plan
from triptych_ops.rollout.state import Act, Decision, Phase, Rollout

from .access import Place

_INCONCLUSIVE = 6
_EDGE_GRPC_PORT = 8081
audit_option = click.option(
    "--audit",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Append each decision to FILE, a line of JSON each.",
)


def taking(lease: Lease) -> None:
    """Hold the Lease, or know who holds it.

    Raises:
        LostLeaseError: another process drives the rollout.
    """
    lease.take(within_s=2 * DURATION_S)


def drive_to_end(place: Place, rollout: Rollout, *, lease: Lease | None, audit: Path | None, as_json: bool) -> Rollout:
    """Drive it; without a Lease where it goes back, which every process may do."""
    plan = load_plan(rollout.plan)
    cluster = place.cluster(rollout.plan)
    announcers: list[Announcer] = [place.events(cluster), _saying(as_json)]
    if audit is not None:
        announcers.insert(0, AuditFile(audit))
    engine = Engine(
        cluster,
        course_of(plan),
        judge=judge_of(plan, namespace=place.names.namespace),
        gates=_gates(plan, cluster),
        announce=Everybody(*announcers),
        may_drive=lambda: lease is not None and lease.sure,
    )
    with lease.kept() if lease is not None else nullcontext():
        return engine.run()


def exit_code(ended: Rollout) -> int:
    """4 where a gate or the evidence refused, 6 where it was inconclusive for too long."""
    if ended.phase is not Phase.ABORTED:
        return failures.DONE
    expired = any(each.act is Act.EXPIRE for each in ended.decisions)
    return _INCONCLUSIVE if expired else failures.REFUSED


def told(ended: Rollout) -> str:
    """The end in a line."""
    if ended.phase is Phase.ABORTED:
        why = next((each.why for each in reversed(ended.decisions) if each.act in (Act.ABORT, Act.EXPIRE)), "")
        return f"rollout {ended.number} went back to {ended.origin.stable}: {why}"
    return f"rollout {ended.number} is {ended.phase}: {ended.wanted.stable} serves all requests"


def _saying(as_json: bool) -> Announcer:
    def announce(rollout: Rollout, decision: Decision) -> None:
        if as_json:
            print_json(line(rollout, decision))
        else:
            at = decision.at.astimezone().strftime("%H:%M:%S")
            say(f"{at} {decision.phase:<10} {decision.act:<8} {decision.why}")

    return announce


def _gates(plan: Plan, cluster: KubernetesCluster) -> Gates:
    def addresses() -> tuple[str | None, ...]:
        pods = cluster.pods("candidate")
        return tuple(f"grpc://{pod.address}:{_EDGE_GRPC_PORT}" if pod.address else None for pod in pods)

    return gates_of(plan, addresses)
