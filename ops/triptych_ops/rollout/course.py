"""What the engine needs to know of a plan: which shares, in which way, how patient."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from .plan import Plan
from .state import Act, Look, Rollout, Sticky
from .world import World


class Way(StrEnum):
    """How requests come to the candidate."""

    WEIGHTS = "weights"  # routes divide them
    REPLICAS = "replicas"  # the tracks' pods share a Service
    MIRROR = "mirror"  # routes copy them; the candidate's answers go nowhere


@dataclass(frozen=True, slots=True)
class Share:
    """A step: the candidate's percentage, and for how long it has it at least."""

    weight_percent: int
    least_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Steps and patience.

    shares:        at least one; each but the last makes room for the next
    sticky:        which requests go to the candidate from the first share on, whatever it is
    hold_s:        how long one step may hold, inconclusive, before the rollout goes back
    pods_s:        what pods get to be ready
    look_every_s:  between two looks at the evidence
    drain_s:       between the last request to a track and its pods' end: what gateways need to learn of new weights
    outage_s:      a gap in which the cluster could not be asked, beyond which the rollout goes back; None: never
    """

    way: Way = Way.WEIGHTS
    shares: tuple[Share, ...]
    sticky: Sticky | None = None
    hold_s: float = 1800.0
    pods_s: float = 600.0
    look_every_s: float = 15.0
    drain_s: float = 5.0
    outage_s: float | None = None

    def replicas(self, step: int, *, stable: int) -> int:
        """The candidate's pods in a step, so that each has no more to do than each of `stable` pods had.

        By replicas the share is what the number of pods makes it: c / (c + stable) is at most the percentage, but a
        pod there must be.
        """
        percent = self.shares[step].weight_percent
        if self.way is Way.REPLICAS:
            return max(1, stable * percent // max(1, 100 - percent))
        if self.way is Way.MIRROR:
            return max(1, stable)
        return max(1, -(-stable * percent // 100))


_WAYS: Final = {"canary": Way.WEIGHTS, "blue-green": Way.WEIGHTS, "replicas": Way.REPLICAS, "shadow": Way.MIRROR}


def course_of(plan: Plan) -> Course:
    """What a plan means for the engine.

    Blue-green is one step: all or nothing, once the gates have passed. By replicas there is no step of all: the stable
    track keeps its pods, so that the candidate has all requests only once it is promoted.
    """
    shares = tuple(Share(step.weight_percent, step.least_s) for step in plan.steps)
    if plan.strategy == "replicas":
        shares = tuple(share for share in shares if share.weight_percent < 100)
    if plan.strategy == "blue-green":
        shares = (Share(100, plan.steps[-1].least_s),)
    return Course(
        way=_WAYS[plan.strategy],
        shares=shares,
        sticky=plan.sticky,
        hold_s=plan.hold_s,
        pods_s=plan.pods_s,
        look_every_s=plan.look_every_s,
        drain_s=plan.drain_s,
        outage_s=plan.outage_s,
    )


class Judge(Protocol):
    """Judges a step by its evidence."""

    def __call__(self, rollout: Rollout) -> Look:
        """Its verdict now: PROMOTE, HOLD or ABORT.

        No evidence is HOLD; it never raises for want of it.
        """
        ...


@dataclass(frozen=True, slots=True)
class GateResult:
    """What a gate found: PASS, HOLD where it could not be asked, or ABORT."""

    name: str
    act: Act
    why: str


class Gates(Protocol):
    """Asks the candidate's own pods, before any traffic."""

    def __call__(self, rollout: Rollout, world: World) -> tuple[GateResult, ...]:
        """What each gate found. It never raises for what it asks."""
        ...
