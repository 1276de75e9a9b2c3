"""A cluster of plain data for the engine: versions, conflicts and pods as on a real one; it can end at any write."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from triptych_ops.rollout.changes import Change, SetRoute
from triptych_ops.rollout.course import Course, GateResult, Share
from triptych_ops.rollout.engine import Engine
from triptych_ops.rollout.errors import ConflictError
from triptych_ops.rollout.state import Act, Binding, Decision, Look, Phase, Record, Rollout
from triptych_ops.rollout.world import Route, Seen, Track, World

OLD = Binding(release=7, manifest_sha256="7" * 64)
NEW = Binding(release=8, manifest_sha256="8" * 64)
START = datetime(2026, 1, 1, tzinfo=UTC)
COURSE = Course(shares=(Share(5), Share(50), Share(100)), look_every_s=1.0, drain_s=2.0)


class KilledError(BaseException):
    """As by kill -9: nothing catches it."""


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=max(seconds, 0.01))


@dataclass
class PlainCluster:
    """Pods are ready at once. `dies_at` is the number of the write at which the process ends, before or after it."""

    record: Record = field(default_factory=Record)
    version: int = 0
    writes: int = 0
    dies_at: int | None = None
    after: bool = False
    ready: bool = True
    before_write: Callable[[], None] | None = None
    stable: Track = field(default_factory=lambda: _track("stable", OLD, 3))
    candidate: Track = field(default_factory=lambda: _track("candidate", OLD, 0))
    routes: tuple[Route, ...] = field(default_factory=lambda: (_route("HTTPRoute"), _route("GRPCRoute")))
    weights: list[tuple[int | None, ...]] = field(default_factory=list)
    let_go_in: list[Phase] = field(default_factory=list)

    def read(self) -> tuple[Record, str | None]:
        return self.record, str(self.version)

    def write(self, record: Record, *, over: str | None) -> None:
        self._dying(after=False)
        if over != str(self.version):
            raise ConflictError("the record was written")
        self.record = Record.model_validate_json(record.model_dump_json(exclude_defaults=True))
        self.version += 1
        self._dying(after=True)

    def observe(self) -> World:
        return World(self._shown(self.stable), self._shown(self.candidate), self.routes)

    def apply(self, change: Change) -> None:
        if self.before_write:
            self.before_write()
        self._dying(after=False)
        if change.seen.version not in {seen.version for seen in self.observe().seen if seen.name == change.seen.name}:
            raise ConflictError(f"{change.seen.name} was written")
        self._apply(change)
        self._dying(after=True)

    def let_go(self) -> None:
        assert self.record.current is not None
        self.let_go_in.append(self.record.current.phase)

    def edit_route(self, index: int, **changes: object) -> None:
        """As somebody else."""
        route = self.routes[index]
        seen = replace(route.seen, version=route.seen.version + "x", editors="somebody", **changes.pop("seen", {}))  # type: ignore[arg-type]
        edited = replace(route, seen=seen, **changes)  # type: ignore[arg-type]
        self.routes = (*self.routes[:index], edited, *self.routes[index + 1 :])

    def _apply(self, change: Change) -> None:
        seen = replace(change.seen, version=change.seen.version + "+", mark=change.mark)
        if isinstance(change, SetRoute):
            made = Route(seen, change.weight_percent, change.mirror, change.sticky)
            self.routes = tuple(made if each.seen.name == seen.name else each for each in self.routes)
            self.weights.append(tuple(route.weight_percent for route in self.routes))
            return
        track = "stable" if change.seen.name == self.stable.seen.name else "candidate"
        found: Track = getattr(self, track)
        replicas = found.replicas if change.replicas is None else change.replicas
        setattr(self, track, replace(found, seen=seen, binding=change.binding, replicas=replicas))

    def _shown(self, track: Track) -> Track:
        return replace(track, ready=track.replicas if self.ready else 0, current=self.ready or not track.replicas)

    def _dying(self, *, after: bool) -> None:
        if not after:
            self.writes += 1
        if self.dies_at == self.writes and after == self.after:
            self.dies_at = None
            raise KilledError


@dataclass
class Told:
    """Who heard of decisions."""

    decisions: list[tuple[int, int, str]] = field(default_factory=list)

    def __call__(self, rollout: Rollout, decision: Decision) -> None:
        self.decisions.append((rollout.number, decision.number, decision.act))


def engine(
    cluster: PlainCluster,
    clock: Clock,
    *,
    course: Course = COURSE,
    verdict: Callable[[Rollout], Act] = lambda _: Act.PROMOTE,
    gate: Act = Act.PASS,
    told: Told | None = None,
    may_drive: bool = True,
) -> Engine:
    """An engine whose evidence and gates say this."""
    return Engine(
        cluster,
        course,
        judge=lambda rollout: Look(at=clock(), act=verdict(rollout), why="said", samples=10),
        gates=lambda _rollout, _world: (GateResult("golden answers", gate, "said"),),
        announce=told or Told(),
        may_drive=lambda: may_drive,
        now=clock,
        sleep=clock.sleep,
    )


def _track(name: str, binding: Binding, replicas: int) -> Track:
    return Track(_seen(f"Deployment/triptych-{name}"), binding, replicas, replicas, current=True)


def _route(kind: str) -> Route:
    return Route(_seen(f"{kind}/triptych"), 0)


def _seen(name: str) -> Seen:
    return Seen(name, "1", None, "digest", "")
