"""A contest of settings against the defaults. Pure: who measures is a function's.

A machine's speed drifts by more than most settings change, so that all are measured in turns, and only ratios within a
turn count. First all are screened, quickly, by the throughput of a closed loop; then those that were better on their
own, and together; then what was best is held against the defaults by what each carries within the objectives, again in
turns. It is chosen where the median of these ratios is beyond a margin, and each of them above one.

The margin is the largest of what was asked for and of how much the defaults differed from themselves.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from loadtests.sample_statistics import median

from .candidates import Candidate, combined

_PROMISING: Final = 1.01  # in the median of the screening
_FINALISTS: Final = 4  # that are measured again, beside the defaults and all of them in one


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is measured.

    rounds: turns of each screening
    pairs:  how often the best is held against the defaults
    margin: what is too little to change a setting for, as a share
    """

    rounds: int = 3
    pairs: int = 3
    margin: float = 0.05


_EFFORT: Final = Effort()


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """A candidate's throughput in each turn, in requests a second; in the median its ratio to the defaults'."""

    candidate: Candidate
    per_s: Sequence[float]
    ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What was found.

    best:      the finalist; None where nothing was better than the defaults in the screening
    pairs:     what the defaults and it carry, turn by turn, in requests a second
    ratio:     median over the pairs; 1 without any
    margin:    that the ratio had to be above
    screening: all that was tried, in the order of what was measured
    """

    best: Candidate | None
    pairs: Sequence[tuple[float, float]]
    ratio: float
    margin: float
    screening: Sequence[Screened]

    @property
    def is_better(self) -> bool:
        """Whether it is to be chosen."""
        return (
            self.best is not None
            and self.ratio > 1 + self.margin
            and all(own > of_defaults for of_defaults, own in self.pairs)
        )


def tune(
    candidates: Sequence[Candidate],
    *,
    throughput: Callable[[Candidate], float],
    capacity: Callable[[Candidate, float], float],
    effort: Effort = _EFFORT,
) -> Tuning:
    """Find the best of these, of which the first is the defaults.

    throughput: of a candidate, quickly, in requests a second
    capacity:   what it carries within the objectives; given its throughput to begin with
    """
    defaults = candidates[0]
    first = _screened(candidates, throughput, effort.rounds)
    promising = sorted((each for each in first[1:] if each.ratio > _PROMISING), key=lambda each: -each.ratio)
    if not promising:
        return Tuning(best=None, pairs=(), ratio=1.0, margin=effort.margin, screening=first)
    chosen = [each.candidate for each in promising[:_FINALISTS]]
    together = combined(chosen)
    again = [defaults, *chosen, *([together] if together not in chosen else [])]
    second = _screened(again, throughput, effort.rounds)
    best = max(second[1:], key=lambda each: each.ratio)
    begin = {str(each.candidate): median(each.per_s) for each in second}
    pairs = [
        (capacity(defaults, begin[str(defaults)]), capacity(best.candidate, begin[str(best.candidate)]))
        for _ in range(effort.pairs)
    ]
    of_defaults = [before for before, _ in pairs]
    noise = max(of_defaults) / min(of_defaults) - 1 if min(of_defaults) > 0 else float("inf")
    return Tuning(
        best=best.candidate,
        pairs=pairs,
        ratio=median(after / before if before else 1.0 for before, after in pairs),
        margin=max(effort.margin, noise),
        screening=[*first, *second],
    )


def _screened(candidates: Sequence[Candidate], throughput: Callable[[Candidate], float], rounds: int) -> list[Screened]:
    seen: list[list[float]] = [[] for _ in candidates]
    for turn in range(rounds):
        order = range(len(candidates)) if turn % 2 == 0 else reversed(range(len(candidates)))
        for index in order:
            seen[index].append(throughput(candidates[index]))
    of_defaults = seen[0]
    return [
        Screened(
            candidate=candidate,
            per_s=per_s,
            ratio=median(own / base if base else 1.0 for own, base in zip(per_s, of_defaults, strict=True)),
        )
        for candidate, per_s in zip(candidates, seen, strict=True)
    ]
