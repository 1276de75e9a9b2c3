"""A load profile: stages one after the other, each with its kind of load. Pure."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Spacing = Literal["poisson", "constant"]


@dataclass(frozen=True, slots=True)
class Loop:
    """A closed loop: each of `users` sends its next request when the last one is answered.

    A server that stalls stops the load, so that the loop sees few slow answers: it says what a server can do, not what
    users would feel.
    """

    users: int


@dataclass(frozen=True, slots=True)
class Arrivals:
    """An open loop: requests come at `per_s`, whatever becomes of those before.

    spacing:  `poisson`: independent users, exponential times between two; `constant`: a metronome
    to_per_s: the rate at the stage's end, reached evenly; None: it stays
    """

    per_s: float
    spacing: Spacing = "poisson"
    to_per_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Some seconds of one load.

    images:   in a request
    measured: whether it counts; a warm-up does not
    """

    name: str
    seconds: float
    load: Loop | Arrivals
    images: int = 1
    measured: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Stages, one after the other.

    objectives:    what must hold unless the caller names others, as `p99<100ms`
    most_under_way: requests that an open loop has under way at once; what comes then is dropped, and counted
    """

    name: str
    summary: str
    stages: tuple[Stage, ...]
    objectives: tuple[str, ...] = ()
    most_under_way: int = 512

    @property
    def seconds(self) -> float:
        """Of all stages."""
        return sum(stage.seconds for stage in self.stages)

    def stage_at(self, at_s: float) -> Stage:
        """The stage of that second; the last one for all that comes after."""
        for stage in self.stages:
            at_s -= stage.seconds
            if at_s < 0:
                return stage
        return self.stages[-1]

    def lasting(self, seconds: float) -> "Profile":
        """The same in so many seconds: every stage is as much shorter, or longer."""
        ratio = seconds / self.seconds
        return replace(self, stages=tuple(replace(each, seconds=each.seconds * ratio) for each in self.stages))

    def cut_at(self, at_s: float) -> "Profile":
        """The same, but for the stage of that second, which ends then."""
        stages, begins_s = [], 0.0
        for stage in self.stages:
            ends_s = begins_s + stage.seconds
            stages.append(replace(stage, seconds=at_s - begins_s) if begins_s < at_s < ends_s else stage)
            begins_s = ends_s
        return replace(self, stages=tuple(stages))

    def document(self) -> dict[str, Any]:
        """As JSON; a load says in `kind` which it is."""
        stages = [
            {**dataclasses.asdict(each), "load": {"kind": _NAMES[type(each.load)], **dataclasses.asdict(each.load)}}
            for each in self.stages
        ]
        return {**dataclasses.asdict(self), "stages": stages, "objectives": list(self.objectives)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Profile":
        """The inverse of `document`."""
        stages = tuple(Stage(**{**each, "load": _load(each["load"])}) for each in document["stages"])
        return cls(**{**document, "stages": stages, "objectives": tuple(document["objectives"])})


_NAMES: Mapping[type[Loop | Arrivals], str] = {Loop: "loop", Arrivals: "arrivals"}
_KINDS: Mapping[str, type[Loop | Arrivals]] = {name: kind for kind, name in _NAMES.items()}


def _load(document: Mapping[str, Any]) -> Loop | Arrivals:
    given = dict(document)
    return _KINDS[given.pop("kind")](**given)
