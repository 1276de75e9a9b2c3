"""The profiles that Triptych brings, as tables of stages.

A rate or a number of users is a multiple of what the caller names, since machines differ. single-stream, offline and
server are modelled on the scenarios of MLPerf Inference (Reddi et al., MLPerf Inference Benchmark, ISCA 2020):
one query at a time, judged by the 90th percentile; all samples at once, judged by throughput; Poisson arrivals, judged
by the 99th percentile. Their figures are no MLPerf results, which need its LoadGen and its data.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final, NamedTuple

from loadtests.errors import ProfileError

from .profile import Arrivals, Loop, Profile, Spacing, Stage

DEFAULT_PER_S: Final = 10.0  # one core answers some sixty a second
DEFAULT_USERS: Final = 4
MOST_PER_S: Final = 1_000_000.0
MOST_USERS: Final = 10_000
SMOKE_S: Final = 20.0
"""How long the smoke form of a profile takes; it is there to see that all works, not to judge."""

_MINUTE: Final = 60.0
_HOUR: Final = 3600.0


class _Open(NamedTuple):
    """A stage of arrivals: multiples of the rate."""

    name: str
    seconds: float
    times: float
    to_times: float | None = None
    spacing: Spacing = "poisson"
    measured: bool = True

    def stage(self, per_s: float, users: int) -> Stage:  # noqa: ARG002  as of `_Closed`
        to_per_s = None if self.to_times is None else self.to_times * per_s
        load = Arrivals(self.times * per_s, self.spacing, to_per_s)
        return Stage(name=self.name, seconds=self.seconds, load=load, measured=self.measured)


class _Closed(NamedTuple):
    """A stage of users in a closed loop: multiples of their number; 0 for a single one."""

    name: str
    seconds: float
    times: float
    images: int = 1
    measured: bool = True

    def stage(self, per_s: float, users: int) -> Stage:  # noqa: ARG002  as of `_Open`
        load = Loop(max(1, round(self.times * users)))
        return Stage(name=self.name, seconds=self.seconds, load=load, images=self.images, measured=self.measured)


class _Row(NamedTuple):
    summary: str
    stages: tuple[_Open | _Closed, ...]
    objectives: tuple[str, ...]


_ANSWERED: Final = ("errors<0.1%",)
_PROMPT: Final = (*_ANSWERED, "p99<500ms", "achieved>99%")

_TABLE: Final[Mapping[str, _Row]] = {
    "smoke": _Row(
        "Does it answer at all? Little load, and soon over.",
        (_Open("warm-up", 2, 0.2, measured=False), _Open("smoke", 13, 0.5)),
        _PROMPT,
    ),
    "step": _Row(
        "Where does it begin to hurt? The rate rises by steps from a half to twice.",
        (
            _Open("warm-up", 15, 0.25, measured=False),
            *(_Open(f"x{times:g}", _MINUTE, times) for times in (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)),
        ),
        _PROMPT,
    ),
    "spike": _Row(
        "Does it survive a rush, and how soon is it well again? Five times the rate, and then as before.",
        (
            _Open("warm-up", 15, 0.5, measured=False),
            _Open("before", _MINUTE, 1.0),
            _Open("spike", 30, 5.0),
            _Open("after", 2 * _MINUTE, 1.0),
        ),
        _ANSWERED,
    ),
    "soak": _Row(
        "Does it stay well? The same rate for long.",
        (_Open("warm-up", _MINUTE, 0.5, measured=False), _Open("soak", _HOUR, 1.0)),
        _PROMPT,
    ),
    "ramp": _Row(
        "How much does it carry? The rate rises evenly from nothing to four times.",
        (_Open("warm-up", 15, 0.25, measured=False), _Open("ramp", 5 * _MINUTE, 0.0, to_times=4.0)),
        _ANSWERED,
    ),
    "steady": _Row(
        "A metronome: the same rate, evenly spaced.",
        (
            _Open("warm-up", 10, 0.5, spacing="constant", measured=False),
            _Open("steady", _MINUTE, 1.0, None, "constant"),
        ),
        _PROMPT,
    ),
    "users": _Row(
        "Users who wait for their answer before they ask again: a closed loop.",
        (_Closed("warm-up", 5, 1.0, measured=False), _Closed("users", _MINUTE, 1.0)),
        _ANSWERED,
    ),
    "single-stream": _Row(
        "How fast is one? A single request at a time, judged by the 90th percentile, as MLPerf's scenario.",
        (_Closed("warm-up", 5, 0.0, measured=False), _Closed("single-stream", _MINUTE, 0.0)),
        _ANSWERED,
    ),
    "offline": _Row(
        "How much when nobody waits? Batches of 16, always enough of them, as MLPerf's scenario.",
        (_Closed("warm-up", 5, 1.0, images=16, measured=False), _Closed("offline", _MINUTE, 1.0, images=16)),
        _ANSWERED,
    ),
    "server": _Row(
        "Does it keep its promise at this rate? Poisson arrivals, judged by the 99th percentile, as MLPerf's scenario.",
        (_Open("warm-up", 10, 0.5, measured=False), _Open("server", _MINUTE, 1.0)),
        _PROMPT,
    ),
}

SUMMARIES: Final[Mapping[str, str]] = {name: row.summary for name, row in _TABLE.items()}
"""Name -> what the profile is for."""


def profile(name: str, *, per_s: float = DEFAULT_PER_S, users: int = DEFAULT_USERS) -> Profile:
    """The profile of that name, at these multiples.

    Raises:
        ProfileError: there is none, or a multiple is none.
    """
    if name not in _TABLE:
        near = get_close_matches(name, _TABLE)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_TABLE)}"
        raise ProfileError(f"no profile is called {name!r}; {hint}")
    if not 0 < per_s <= MOST_PER_S:
        raise ProfileError(f"{per_s:g} requests a second are no rate; name one above 0, at most {MOST_PER_S:g}")
    if not 1 <= users <= MOST_USERS:
        raise ProfileError(f"{users} are no users; name 1 to {MOST_USERS}")
    row = _TABLE[name]
    stages = tuple(stage.stage(per_s, users) for stage in row.stages)
    return Profile(name=name, summary=row.summary, stages=stages, objectives=row.objectives)
