"""What the cluster's objects say of a rollout now, as plain data."""

from dataclasses import dataclass

from .state import Binding, Sticky


@dataclass(frozen=True, slots=True)
class Seen:
    """What every object has.

    name:      kind and name, as HTTPRoute/triptych
    version:   its resource version; a change is made only where it still has it
    mark:      what a rollout wrote last, or None
    untouched: the digest of all in its specification that no rollout changes
    editors:   who changed its specification last, besides rollouts
    """

    name: str
    version: str
    mark: str | None
    untouched: str
    editors: str


@dataclass(frozen=True, slots=True)
class Route:
    """A route that divides requests between the tracks.

    weight_percent: the candidate's share; None where the rules that name both tracks do not agree
    mirror:         whether the candidate gets copies of the requests
    sticky:         which requests go to the candidate whatever its share
    """

    seen: Seen
    weight_percent: int | None
    mirror: bool = False
    sticky: Sticky | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """A Deployment.

    binding:  the release it is bound to; None where its parts do not agree
    current:  whether all its pods are of its newest template and available, and none is too many
    ready:    pods of the newest template that are available
    """

    seen: Seen
    binding: Binding | None
    replicas: int
    ready: int
    current: bool


@dataclass(frozen=True, slots=True)
class World:
    """All that a rollout changes."""

    stable: Track
    candidate: Track
    routes: tuple[Route, ...]

    @property
    def seen(self) -> tuple[Seen, ...]:
        """Every object."""
        return (self.stable.seen, self.candidate.seen, *(route.seen for route in self.routes))
