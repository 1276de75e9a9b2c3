"""Ratios of two ways to do the same, measured in turns, so that a busy moment of the machine meets both."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a benchmark's table."""

    what: str
    figure: str
    bound: str
    passed: bool

    def __str__(self) -> str:
        return f"{self.what:<58} {self.figure:>26}  {self.bound:<12} {'pass' if self.passed else 'FAIL'}"


def seconds(work: Work) -> float:
    """How long it takes once."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def speed_ratio(
    what: str, ours: Work, theirs: Work, *, at_least: float, repeats: int = 5, before: Work = lambda: None
) -> Line:
    """How fast `ours` is, of `theirs`: the median over `repeats` of the ratio in each turn; `before` is not timed."""
    ratios, own = [], []
    for repeat in range(repeats):
        pair: dict[str, float] = {}
        for name, work in sorted({"ours": ours, "theirs": theirs}.items(), reverse=bool(repeat % 2)):
            before()
            pair[name] = seconds(work)
        ratios.append(pair["theirs"] / pair["ours"])
        own.append(pair["ours"])
    ratio = statistics.median(ratios)
    figure = f"{ratio:.2f} x ({statistics.median(own):.2f} s)"
    return Line(what, figure, f">= {at_least:g} x", ratio >= at_least)


def duration(what: str, work: Work, *, at_most_s: float, repeats: int = 5) -> Line:
    """The median of how long it takes."""
    median_s = statistics.median(seconds(work) for _ in range(repeats))
    return Line(what, f"{median_s:.2f} s", f"<= {at_most_s:g} s", median_s <= at_most_s)
