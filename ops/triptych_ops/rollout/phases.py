"""From what a rollout is and what the cluster says to what comes next. Pure: time is a value.

preparing -> checking -> (scaling -> shifting -> observing) for each step -> promoting -> returning -> clearing
clearing -> promoted
any of them -> aborting -> clearing -> aborted
after promoted: undoing -> undone
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Final, TypeAlias

from .course import Course, GateResult, Way
from .state import Act, Look, Phase, Rollout
from .world import World

ENGINE: Final = "engine"
"""Who decides where no operator does."""


class Ask(Enum):
    """What must be asked outside before anything can be decided."""

    GATES = auto()
    JUDGE = auto()


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be decided yet, for want of this."""

    what: str


Answered: TypeAlias = Rollout | Wait
Next: TypeAlias = Answered | Ask


@dataclass(frozen=True, slots=True)
class Moment:
    """All that a decision depends on; every object says what is wanted."""

    rollout: Rollout
    world: World
    course: Course
    now: datetime

    @property
    def elapsed_s(self) -> float:
        """Since the phase began."""
        return (self.now - self.rollout.since).total_seconds()

    def decided(self, act: Act, why: str, **more: object) -> Rollout:
        """The rollout with one decision of the engine's more."""
        return self.rollout.decided(act, why, at=self.now, by=ENGINE, **more)


def following(moment: Moment) -> Next:
    """What comes next: the rollout's next state, or what is missing."""
    return _PHASES[moment.rollout.phase](moment)


def checked(moment: Moment, results: tuple[GateResult, ...]) -> Answered:
    """What comes after the gates."""
    told = ", ".join(f"{each.name}: {each.why}" for each in results)
    if bad := next((each for each in results if each.act is Act.ABORT), None):
        return going_back(moment.rollout, f"gate {bad.name}: {bad.why}", at=moment.now, by=ENGINE)
    if unasked := [each for each in results if each.act is not Act.PASS]:
        why = f"gate {unasked[0].name} could not be asked: {unasked[0].why}"
        return _patient(moment, why, moment.course.pods_s)
    return _stepping(moment.decided(Act.PASS, told or "no gates"), 0, moment)


def judged(moment: Moment, look: Look) -> Answered:
    """What comes after a look at the evidence."""
    seen = moment.rollout.model_copy(update={"latest": look, "looks": moment.rollout.looks + 1})
    at = Moment(seen, moment.world, moment.course, moment.now)
    share = moment.course.shares[seen.step]
    evidence = {"evidence": look.evidence}
    if look.act is Act.ABORT:
        return going_back(seen, look.why, at=moment.now, by=ENGINE, evidence=look.evidence)
    if look.act is Act.PROMOTE and moment.elapsed_s >= share.least_s:
        passed = at.decided(Act.PASS, f"{share.weight_percent} %: {look.why}", **evidence)
        return _stepping(passed, seen.step + 1, moment)
    if moment.elapsed_s > moment.course.hold_s + share.least_s:
        why = f"inconclusive for {moment.elapsed_s:.0f} s at {share.weight_percent} %: {look.why}"
        return going_back(seen, why, at=moment.now, by=ENGINE, act=Act.EXPIRE, evidence=look.evidence)
    return at.decided(Act.HOLD, look.why)  # its evidence is in `latest`: a record holds little more than the decisions


def going_back(
    rollout: Rollout,
    why: str,
    *,
    at: datetime,
    by: str,
    act: Act = Act.ABORT,
    evidence: tuple[dict[str, object], ...] = (),
) -> Rollout:
    """All traffic to the stable track, at the release it had. The same where that is already under way."""
    if rollout.ended or rollout.phase in (Phase.ABORTING, Phase.UNDOING) or _is_clearing_after_abort(rollout):
        return rollout
    decided = rollout.decided(act, why, at=at, by=by, evidence=evidence, paused=None)
    changes: dict[str, object] = {"weight_percent": 0, "mirror": False, "sticky": None, "stable": rollout.origin.stable}
    return decided.wanting(**changes).entering(Phase.ABORTING, at=at)


def stepping_on(rollout: Rollout, course: Course, *, whole: bool, at: datetime, by: str, why: str) -> Rollout:
    """The next step, or the promotion, because an operator says so."""
    decided = rollout.decided(Act.PROMOTE, why, at=at, by=by, paused=None)
    step = len(course.shares) if whole else rollout.step + 1
    return _to_step(decided, step, course, at)


def aborted(rollout: Rollout) -> bool:
    """Whether the rollout goes, or went, back."""
    return rollout.phase in (Phase.ABORTING, Phase.ABORTED) or _is_clearing_after_abort(rollout)


def _is_clearing_after_abort(rollout: Rollout) -> bool:
    return rollout.phase is Phase.CLEARING and rollout.wanted.stable == rollout.origin.stable


def _preparing(moment: Moment) -> Next:
    if moment.world.candidate.current:
        return moment.rollout.entering(Phase.CHECKING, at=moment.now)
    return _patient(moment, f"{_pods(moment)} of the candidate are ready", moment.course.pods_s)


def _checking(_: Moment) -> Next:
    return Ask.GATES


def _scaling(moment: Moment) -> Next:
    if moment.world.candidate.current:
        share = moment.course.shares[moment.rollout.step].weight_percent
        mirror = moment.course.way is Way.MIRROR
        wanted = moment.rollout.wanting(
            weight_percent=0 if mirror else share, mirror=mirror, sticky=moment.course.sticky
        )
        return wanted.entering(Phase.SHIFTING, at=moment.now)
    return _patient(moment, f"{_pods(moment)} of the candidate are ready", moment.course.pods_s)


def _shifting(moment: Moment) -> Next:
    return moment.rollout.entering(Phase.OBSERVING, at=moment.now)


def _observing(moment: Moment) -> Next:
    latest = moment.rollout.latest
    last = latest.at if latest else moment.rollout.since
    left_s = moment.course.look_every_s - (moment.now - last).total_seconds()
    left_s = min(left_s, moment.course.shares[moment.rollout.step].least_s - moment.elapsed_s) if not latest else left_s
    if left_s <= 0:
        return Ask.JUDGE
    return Wait(f"the next look at the evidence, in {left_s:.0f} s")


def _promoting(moment: Moment) -> Next:
    if moment.world.stable.current:
        told = moment.decided(Act.PASS, f"the stable track serves {moment.rollout.release}")
        return told.wanting(weight_percent=0, mirror=False, sticky=None).entering(Phase.RETURNING, at=moment.now)
    return _patient(
        moment,
        f"{moment.world.stable.ready} of {moment.world.stable.replicas} pods of the stable track serve "
        f"{moment.rollout.release}",
        moment.course.pods_s,
    )


def _leaving(moment: Moment) -> Next:
    """The candidate goes once nobody sends it anything, and the stable track is whole."""
    if moment.elapsed_s < moment.course.drain_s:
        return Wait(f"{moment.course.drain_s - moment.elapsed_s:.0f} s for the gateways")
    if not moment.world.stable.current and moment.elapsed_s < moment.course.pods_s:
        return Wait("the pods of the stable track")
    origin = moment.rollout.origin
    wanted = moment.rollout.wanting(candidate=origin.candidate, candidate_replicas=origin.candidate_replicas)
    return wanted.entering(Phase.CLEARING, at=moment.now)


def _clearing(moment: Moment) -> Next:
    if _is_clearing_after_abort(moment.rollout):
        end, why = Phase.ABORTED, f"{moment.rollout.origin.stable} serves all requests"
    else:
        end, why = Phase.PROMOTED, f"{moment.rollout.release} serves all requests"
    return moment.decided(Act.END, why).entering(end, at=moment.now)


def _undoing(moment: Moment) -> Next:
    if not moment.world.stable.current:
        return Wait("the pods of the stable track")
    ended = moment.decided(Act.END, f"{moment.rollout.wanted.stable} serves all requests again")
    return ended.entering(Phase.UNDONE, at=moment.now)


def _ended(_: Moment) -> Next:
    return Wait("nothing")


_PHASES: Final[Mapping[Phase, Callable[[Moment], Next]]] = {
    Phase.PREPARING: _preparing,
    Phase.CHECKING: _checking,
    Phase.SCALING: _scaling,
    Phase.SHIFTING: _shifting,
    Phase.OBSERVING: _observing,
    Phase.PROMOTING: _promoting,
    Phase.RETURNING: _leaving,
    Phase.ABORTING: _leaving,
    Phase.CLEARING: _clearing,
    Phase.UNDOING: _undoing,
    Phase.PROMOTED: _ended,
    Phase.ABORTED: _ended,
    Phase.UNDONE: _ended,
}


def _stepping(rollout: Rollout, step: int, moment: Moment) -> Rollout:
    return _to_step(rollout, step, moment.course, moment.now)


def _to_step(rollout: Rollout, step: int, course: Course, at: datetime) -> Rollout:
    if step >= len(course.shares):
        return rollout.wanting(stable=rollout.release, mirror=False).entering(Phase.PROMOTING, at=at)
    replicas = course.replicas(step, stable=rollout.stable_replicas)
    more = max(replicas, rollout.wanted.candidate_replicas)
    return rollout.wanting(candidate_replicas=more).entering(Phase.SCALING, at=at, step=step)


def _patient(moment: Moment, why: str, limit_s: float) -> Answered:
    if moment.elapsed_s > limit_s:
        return going_back(moment.rollout, f"after {limit_s:g} s {why}", at=moment.now, by=ENGINE)
    return Wait(why)


def _pods(moment: Moment) -> str:
    return f"{moment.world.candidate.ready} of {moment.world.candidate.replicas} pods"
