"""What is wanted against what is: what must be written, and what somebody else has changed. Pure.

An object's mark says which `Wanted` was written to it last, so there are three cases:

    it has the mark and the values of what is wanted      nothing to do
    it has an earlier mark and that one's values          not yet written: a change
    its values are not those of its mark                  a foreign edit: reported, never written over in silence
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from .state import Binding, Rollout, Sticky, Wanted
from .world import Route, Seen, Track, World

_BY: Final = " (by "
_AND: Final = "; "


@dataclass(frozen=True, slots=True)
class SetRoute:
    """Write what the candidate gets, and the mark, to a route that still has this version."""

    seen: Seen
    mark: str
    weight_percent: int
    mirror: bool
    sticky: Sticky | None = None


@dataclass(frozen=True, slots=True)
class SetTrack:
    """Write a binding, a number of pods (None: not ours) and the mark to a Deployment that still has this version."""

    seen: Seen
    mark: str
    binding: Binding
    replicas: int | None


Change: TypeAlias = SetRoute | SetTrack


@dataclass(frozen=True, slots=True)
class Foreign:
    """What somebody else changed.

    ours: whether it is a value that rollouts write, so that going on would write over it
    """

    seen: Seen
    what: str
    ours: bool

    @property
    def key(self) -> str:
        """The same for the same change, whoever has written to the object since."""
        return f"{self.seen.name}: {self.what}"

    def __str__(self) -> str:
        return f"{self.key}{_BY}{self.seen.editors or 'somebody'})"


def keys(told: str) -> tuple[str, ...]:
    """Of the changes that a text tells of, as `told` makes it."""
    return tuple(each.partition(_BY)[0] for each in told.split(_AND))


def told(edits: Iterable[Foreign]) -> str:
    """All of them in a line."""
    return _AND.join(map(str, edits))


def changes(rollout: Rollout, world: World) -> tuple[Change, ...]:
    """What is left to write, traffic before pods where it goes back to stable, pods before traffic elsewhere."""
    wanted, mark = rollout.wanted, rollout.mark(rollout.wanted)
    routes: list[Change] = [
        SetRoute(route.seen, mark, wanted.weight_percent, wanted.mirror, wanted.sticky)
        for route in world.routes
        if (route.seen.mark, route.weight_percent, route.mirror, route.sticky)
        != (mark, wanted.weight_percent, wanted.mirror, wanted.sticky)
    ]
    tracks: list[Change] = []
    if (world.stable.seen.mark, world.stable.binding) != (mark, wanted.stable):
        tracks.append(SetTrack(world.stable.seen, mark, wanted.stable, None))
    expected = (mark, wanted.candidate, wanted.candidate_replicas)
    if (world.candidate.seen.mark, world.candidate.binding, world.candidate.replicas) != expected:
        tracks.append(SetTrack(world.candidate.seen, mark, wanted.candidate, wanted.candidate_replicas))
    return tuple(routes + tracks)


def foreign(rollout: Rollout, world: World) -> tuple[Foreign, ...]:
    """What somebody else changed since it was last written, or since the rollout began."""
    found = list(_untouched(rollout, world))
    for route in world.routes:
        found += _differences(route.seen, route, _last(rollout, route.seen), _ROUTE)
    found += _differences(world.stable.seen, world.stable, _last(rollout, world.stable.seen), _STABLE)
    found += _differences(world.candidate.seen, world.candidate, _last(rollout, world.candidate.seen), _CANDIDATE)
    return tuple(found)


def _untouched(rollout: Rollout, world: World) -> Iterator[Foreign]:
    for seen in world.seen:
        if rollout.untouched.get(seen.name) != seen.untouched:
            yield Foreign(seen, "something that rollouts do not change was changed", ours=False)


def _last(rollout: Rollout, seen: Seen) -> Wanted:
    """What was written to it last; before the first time, what it said when the rollout began."""
    for wanted in (rollout.wanted, *reversed(rollout.superseded)):
        if rollout.mark(wanted) == seen.mark:
            return wanted
    return rollout.superseded[0] if rollout.superseded else rollout.wanted


# What is shown of each, and how it is read out of the object and out of what was wanted.
_ROUTE = (
    ("the candidate's share in percent", "weight_percent", "weight_percent"),
    ("mirroring", "mirror", "mirror"),
    ("the sticky header", "sticky", "sticky"),
)
_STABLE = (("the release", "binding", "stable"),)
_CANDIDATE = (("the release", "binding", "candidate"), ("the replicas", "replicas", "candidate_replicas"))


def _differences(
    seen: Seen, found: Route | Track, last: Wanted, fields: tuple[tuple[str, str, str], ...]
) -> Iterator[Foreign]:
    for name, read, expected in fields:
        is_now, was = getattr(found, read), getattr(last, expected)
        if is_now != was:
            yield Foreign(seen, f"{name} was {was} and is {_shown(is_now)}", ours=True)


def _shown(value: object) -> object:
    return "not one value" if value is None else value
