"""The gate that lets no first user wait for what is loaded at first use: engines, caches, threads."""

from collections.abc import Sequence
from typing import Final

from loadtests.sample_statistics import median
from triptych import Client, TriptychError, health

from ..course import GateResult
from ..state import Act, Rollout
from .pods import TIMEOUT_S

_NAME: Final = "warm-up"
_TOGETHER: Final = 10
"""Requests whose median is compared with that of as many before."""
_MOST: Final = 200
SETTLED: Final = 1.25
"""A median is settled where that before was at most so many times slower."""


def warm_up(urls: Sequence[str], rollout: Rollout) -> GateResult:  # noqa: ARG001  a gate's form
    """PASS once each pod's answers take no longer than those before; HOLD where they do not settle."""
    told = []
    for url in urls:
        try:
            took_s = _taken_s(url)
        except TriptychError as error:
            return GateResult(_NAME, Act.HOLD, f"{url}: {error}")
        if not settled(took_s):
            return GateResult(_NAME, Act.HOLD, f"{url}: {len(took_s)} answers, and the last are still faster by far")
        told.append(f"{_last(took_s) * 1000:.0f} ms after {len(took_s)} (the first {took_s[0] * 1000:.0f} ms)")
    return GateResult(_NAME, Act.PASS, f"answers take {', '.join(told)}")


def settled(took_s: Sequence[float]) -> bool:
    """Whether the last requests took about what those before took."""
    if len(took_s) < 2 * _TOGETHER:
        return False
    return median(took_s[-2 * _TOGETHER : -_TOGETHER]) <= SETTLED * _last(took_s)


def _last(took_s: Sequence[float]) -> float:
    return median(took_s[-_TOGETHER:])


def _taken_s(url: str) -> list[float]:
    took_s: list[float] = []
    with Client(url, timeout_s=TIMEOUT_S) as client:
        while len(took_s) < _MOST and not (len(took_s) % _TOGETHER == 0 and settled(took_s)):
            took_s.append(client.classify(health.image()).elapsed_s)
    return took_s
