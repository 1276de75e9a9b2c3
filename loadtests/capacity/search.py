"""Which rate to try next, and when enough is known. Pure: a trial is a function's.

First a bracket, then its halves, by ratio, until its ends are near enough. **A rate is carried, or is not, when two
trials agree,** of three at most: one trial near the edge is a coin's toss. One that is far from every bound, by half,
needs no second.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from .knee import knee
from .trial import Trial

CLEAR: Final = (0.5, 2.0)
"""Margins below and above which one trial is enough."""

_UP, _DOWN = 1.3, 0.7  # steps of the bracket
_BELOW: Final = (0.3, 0.6, 0.8)  # of the capacity: where a knee may lie


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far and how finely is searched.

    tolerance: the bracket's ends are this near in the end, as a ratio
    agree:     trials that have to say the same of a rate
    """

    least_per_s: float = 0.5
    most_per_s: float = 100_000.0
    tolerance: float = 0.05
    agree: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What is carried.

    per_s:           the highest rate that is carried; None where not even the least one is
    beyond_per_s:    the lowest one above that is not; None where the most was carried, too
    generator_bound: what is not carried beyond was so by the generator's fault: the server may carry more
    knee_per_s:      of the rates tried; None where nothing was answered
    trials:          all of them, in their order
    """

    per_s: float | None
    beyond_per_s: float | None
    generator_bound: bool
    knee_per_s: float | None
    trials: tuple[Trial, ...] = field(default=())


def search(attempt: Callable[[float], Trial], *, first_per_s: float, limits: Limits = Limits()) -> Capacity:
    """Search from a guess on; `attempt` tries a rate."""
    return _Search(attempt, limits).run(first_per_s)


class _Search:
    def __init__(self, attempt: Callable[[float], Trial], limits: Limits) -> None:
        self._attempt = attempt
        self._limits = limits
        self._trials: list[Trial] = []
        self._generator_bound = False

    def run(self, first_per_s: float) -> Capacity:
        carried, beyond = self._bracket(first_per_s)
        while carried is not None and beyond is not None and beyond > carried * (1 + self._limits.tolerance):
            middle = math.sqrt(carried * beyond)
            if self._is_carried(middle):
                carried = middle
            else:
                beyond = middle
        if carried is not None:
            for share in _BELOW:
                self._try(share * carried)
        return Capacity(
            per_s=carried,
            beyond_per_s=beyond,
            generator_bound=beyond is not None and self._generator_bound,
            knee_per_s=knee(self._trials),
            trials=tuple(self._trials),
        )

    def _bracket(self, first_per_s: float) -> tuple[float | None, float | None]:
        """A rate that is carried, and one above that is not."""
        limits, carried, beyond = self._limits, None, None
        per_s = min(limits.most_per_s, max(limits.least_per_s, first_per_s))
        while True:
            if self._is_carried(per_s):
                carried = per_s
                if beyond is not None or per_s >= limits.most_per_s:
                    return carried, beyond
                per_s = min(limits.most_per_s, per_s * _UP)
            else:
                beyond = per_s
                if carried is not None or per_s <= limits.least_per_s:
                    return carried, beyond
                per_s = max(limits.least_per_s, per_s * _DOWN)

    def _is_carried(self, per_s: float) -> bool:
        votes = {True: 0, False: 0}
        bound = 0
        while True:
            trial = self._try(per_s)
            votes[trial.held] += 1
            bound += trial.generator_bound and not trial.held
            least, most = CLEAR
            if max(votes.values()) >= self._limits.agree or (
                not least <= trial.margin <= most and min(votes.values()) == 0
            ):
                break
        carried = votes[True] > votes[False]
        if not carried:
            self._generator_bound = bound > votes[False] / 2
        return carried

    def _try(self, per_s: float) -> Trial:
        trial = self._attempt(per_s)
        self._trials.append(trial)
        return trial
