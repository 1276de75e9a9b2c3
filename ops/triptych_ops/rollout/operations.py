"""What operators do to a rollout: each a pure change of the record, and one way to write it."""

from collections.abc import Callable
from datetime import datetime

from triptych_ops.errors import MissingError, RefusedError

from .changes import keys
from .course import Course
from .engine import Cluster
from .errors import ConflictError
from .phases import aborted, going_back, stepping_on
from .state import Act, Binding, Golden, Phase, Record, Rollout, Sticky, Wanted
from .world import Route, Track, World

_STEPS = (Phase.SCALING, Phase.SHIFTING, Phase.OBSERVING)


def amend(cluster: Cluster, change: Callable[[Record], Record]) -> Record:
    """Change the record, however many others change it at the same time; nothing is written where nothing changes.

    Raises:
        UnreachableError: the cluster does not answer.
    """
    while True:
        record, version = cluster.read()
        changed = change(record)
        if changed == record:
            return record
        try:
            cluster.write(changed, over=version)
        except ConflictError:
            continue
        return changed


def begin(
    record: Record,
    world: World,
    *,
    release: Binding,
    plan: str,
    course: Course,
    by: str,
    at: datetime,
    golden: tuple[Golden, ...] = (),
    checked: str = "nobody looked into it",
    overridden: str | None = None,
) -> Record:
    """A new rollout; the record as it is where this very rollout is under way, or was the last and is done.

    golden:     what the release answers to bundled photographs
    checked:    what was found of the release itself, before anything of the cluster
    overridden: what refused it, and who forced it all the same

    Raises:
        RefusedError: another is under way, or the objects are in no state to begin from.
    """
    current = record.current
    if current and not current.ended:
        if (current.release, current.plan) == (release, plan):
            return record
        raise RefusedError(
            f"rollout {current.number} of {current.release} is under way ({current.phase}), with "
            f"{'another plan' if current.release == release else 'another release'}; wait for its end, or abort it"
        )
    if world.stable.binding == release:
        if current and current.phase is Phase.PROMOTED and current.release == release:
            return record
        raise RefusedError(f"the stable track serves {release} already")
    wanted = first(world, release=release, course=course)
    origin = _origin(world)
    rollout = Rollout(
        number=record.next_number,
        release=release,
        plan=plan,
        by=by,
        started=at,
        origin=origin,
        untouched={seen.name: seen.untouched for seen in world.seen},
        stable_replicas=world.stable.replicas,
        wanted=wanted,
        superseded=(origin,),
        since=at,
        golden=golden,
    )
    begun = rollout.decided(Act.START, f"{release} over {origin.stable}; {checked}", at=at, by=by)
    return record.beginning(begun.decided(Act.FORCE, overridden, at=at, by=by) if overridden else begun)


def first(world: World, *, release: Binding, course: Course) -> Wanted:
    """What a rollout wants first: the candidate's pods, without traffic.

    Raises:
        RefusedError: the objects are in no state to begin from.
    """
    if told := next((each for each in world.routes if each.sticky is not None), None):
        raise RefusedError(
            f"{told.seen.name} sends requests with {told.sticky} to the candidate already, before any gate; "
            "take that rule away, and name the header in the plan (sticky)"
        )
    changes = {"weight_percent": 0, "candidate": release, "mirror": False, "revision": 1}
    replicas = course.replicas(0, stable=world.stable.replicas)
    return _origin(world).model_copy(update={**changes, "candidate_replicas": replicas})


def pause(rollout: Rollout, *, by: str, at: datetime, why: str) -> Rollout:
    """Nothing goes on until somebody says so; what was decided before is still written.

    Raises:
        RefusedError: the rollout goes back, which does not wait.
    """
    _require_under_way(rollout)
    if aborted(rollout) or rollout.phase is Phase.UNDOING:
        raise RefusedError(f"rollout {rollout.number} goes back ({rollout.phase}), which does not wait")
    if rollout.paused is not None:
        return rollout
    return rollout.decided(Act.PAUSE, why, at=at, by=by, paused=why)


def resume(rollout: Rollout, *, by: str, at: datetime, why: str) -> Rollout:
    """Go on; what somebody else had changed is written over from now on, as the pause said.

    The evidence of the step is gathered anew: nobody knows what happened meanwhile.
    """
    _require_under_way(rollout)
    if rollout.paused is None:
        return rollout
    accepted = (*rollout.accepted, *keys(rollout.paused))
    decided = rollout.decided(Act.RESUME, why, at=at, by=by, paused=None, accepted=accepted)
    return decided.entering(rollout.phase, at=at)


def promote(rollout: Rollout, course: Course, *, whole: bool, by: str, at: datetime, why: str) -> Rollout:
    """The next step without more evidence, or the promotion.

    Raises:
        RefusedError: no step is under way.
    """
    _require_under_way(rollout)
    if rollout.phase not in _STEPS:
        raise RefusedError(
            f"rollout {rollout.number} is {rollout.phase}: there is no step to pass; see triptych rollout status"
        )
    return stepping_on(rollout, course, whole=whole, at=at, by=by, why=why)


def abort(rollout: Rollout, *, by: str, at: datetime, why: str) -> Rollout:
    """All traffic to the stable track; the same where it goes, or went, there.

    Raises:
        RefusedError: the rollout is done, so that there is nothing to go back from but by `undo`.
    """
    if rollout.phase in (Phase.PROMOTED, Phase.UNDONE, Phase.UNDOING) or _is_clearing_after_promotion(rollout):
        raise RefusedError(f"rollout {rollout.number} of {rollout.release} is {rollout.phase}; see rollout undo")
    return going_back(rollout, why, at=at, by=by)


def undo(record: Record, world: World, *, by: str, at: datetime, why: str) -> Record:
    """The release before the last promoted one, at once; a rollout of its own in the history.

    Raises:
        MissingError: nothing was promoted.
        RefusedError: something is under way, or the stable track serves something else by now.
    """
    last = record.current
    if last and last.phase is Phase.UNDOING:
        return record
    if last is None or last.phase is not Phase.PROMOTED:
        if last and not last.ended:
            raise RefusedError(f"rollout {last.number} is under way ({last.phase}); abort it instead")
        raise MissingError("the last rollout promoted nothing that could be undone; see triptych rollout history")
    if world.stable.binding != last.release:
        raise RefusedError(
            f"the stable track serves {world.stable.binding}, not {last.release}, which rollout {last.number} promoted"
        )
    origin = _origin(world)
    back = last.origin.stable
    wanted = origin.model_copy(update={"revision": 1, "stable": back, "weight_percent": 0, "mirror": False})
    rollout = Rollout(
        number=record.next_number,
        release=back,
        plan=last.plan,
        by=by,
        started=at,
        origin=origin,
        untouched={seen.name: seen.untouched for seen in world.seen},
        stable_replicas=world.stable.replicas,
        wanted=wanted,
        superseded=(origin,),
        phase=Phase.UNDOING,
        since=at,
    )
    return record.beginning(rollout.decided(Act.UNDO, why or f"{back} instead of {last.release}", at=at, by=by))


def under_way(record: Record) -> Rollout:
    """The rollout that was begun last.

    Raises:
        MissingError: there is none.
    """
    if record.current is None:
        raise MissingError("there is no rollout; begin one with triptych rollout start --release NUMBER --plan FILE")
    return record.current


def _origin(world: World) -> Wanted:
    return Wanted(
        revision=0,
        weight_percent=_weight(world.routes),
        stable=_binding(world.stable),
        candidate=_binding(world.candidate),
        candidate_replicas=world.candidate.replicas,
        mirror=any(route.mirror for route in world.routes),
        sticky=_sticky(world.routes),
    )


def _binding(track: Track) -> Binding:
    if track.binding is None:
        raise RefusedError(
            f"{track.seen.name} says different releases in its label, its annotation and its command; "
            "run helm upgrade, which sets them"
        )
    return track.binding


def _weight(routes: tuple[Route, ...]) -> int:
    weights = {route.weight_percent for route in routes} or {0}
    mirrors = {route.mirror for route in routes} or {False}
    if len(weights) == 1 and len(mirrors) == 1 and (weight := weights.pop()) is not None:
        return weight
    told = ", ".join(f"{route.seen.name} {route.weight_percent}" for route in routes)
    raise RefusedError(f"the routes do not agree on the candidate's share ({told}); run helm upgrade, which sets it")


def _sticky(routes: tuple[Route, ...]) -> Sticky | None:
    found = {route.sticky for route in routes} or {None}
    if len(found) == 1:
        return found.pop()
    told = ", ".join(f"{route.seen.name} {route.sticky or 'none'}" for route in routes)
    raise RefusedError(f"the routes do not agree on the header of the candidate ({told}); take that rule away")


def _require_under_way(rollout: Rollout) -> None:
    if rollout.ended:
        raise RefusedError(f"rollout {rollout.number} of {rollout.release} is {rollout.phase}; there is nothing to do")


def _is_clearing_after_promotion(rollout: Rollout) -> bool:
    return rollout.phase is Phase.CLEARING and not aborted(rollout)
