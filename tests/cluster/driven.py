"""A rollout on a real cluster, driven step by step inside of a test."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cluster.tracks import NAME, NEW, Tracks
from triptych_ops.rollout.cluster import Access, KubernetesCluster, KubernetesLeases, Names
from triptych_ops.rollout.course import Course, GateResult, Share
from triptych_ops.rollout.engine import Engine
from triptych_ops.rollout.errors import ConflictError
from triptych_ops.rollout.operations import amend, begin
from triptych_ops.rollout.state import Act, Binding, Decision, Look, Phase, Record, Rollout
from triptych_ops.rollout.world import World

RELEASE = Binding(release=8, manifest_sha256=NEW)
COURSE = Course(shares=(Share(5), Share(50), Share(100)), look_every_s=0.1, drain_s=0.2)
_PHASE_S = 60


@dataclass
class Driven:
    """What the engine needs, as one user of the cluster."""

    cluster: KubernetesCluster
    leases: KubernetesLeases
    course: Course = COURSE
    verdict: Act = Act.PROMOTE
    told: list[Decision] = field(default_factory=list)

    @classmethod
    def of(cls, tracks: Tracks, *, user: str | None = None, course: Course = COURSE) -> "Driven":
        access = Access.from_kubeconfig(tracks.kubeconfig(user))
        names = Names(access.namespace, NAME)
        return cls(KubernetesCluster(access, names), KubernetesLeases(access, names), course)

    @property
    def rollout(self) -> Rollout:
        """As the cluster remembers it."""
        current = self.cluster.read()[0].current
        assert current is not None
        return current

    def begin(self) -> None:
        """As `triptych rollout start` does."""

        def beginning(record: Record) -> Record:
            world = self.cluster.observe()
            return begin(record, world, release=RELEASE, plan="", course=self.course, by="test", at=now())

        amend(self.cluster, beginning)

    def engine(self) -> Engine:
        """One that may drive, whatever the Lease says."""
        return Engine(
            self.cluster,
            self.course,
            judge=lambda _: Look(at=now(), act=self.verdict, why="said"),
            gates=self._gates,
            announce=lambda _, decision: self.told.append(decision),
            may_drive=lambda: True,
        )

    def until(self, phase: Phase) -> None:
        """Drive it until this phase has begun, and leave it there as a killed process would."""
        engine, deadline = self.engine(), time.monotonic() + _PHASE_S
        while self.rollout.phase is not phase:
            assert time.monotonic() < deadline, f"it is {self.rollout.phase}, not {phase}"
            waited = self.tick(engine)
            assert isinstance(waited, float), f"it ended, and never was {phase}"
            time.sleep(min(waited, 0.05))

    def tick(self, engine: Engine) -> float | Rollout:
        """One step, again where somebody else wrote in the meantime."""
        try:
            return engine.tick()
        except ConflictError:
            return 0.0

    def change(self, change: Callable[[Rollout], Rollout]) -> None:
        """Change the rollout as an operator's command does."""
        amend(self.cluster, lambda record: record.going_on(change(self.rollout)))

    def _gates(self, rollout: Rollout, world: World) -> tuple[GateResult, ...]:  # noqa: ARG002
        pods = self.cluster.pods("candidate")
        return (GateResult("pods", Act.PASS, f"{len(pods)} pods"),)


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)
