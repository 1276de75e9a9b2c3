"""What happened in each second of a run, or in each few of a long one. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np

from loadtests.records import Pulse, Sample
from loadtests.sample_statistics import quantile

MOST: Final = 300
"""Points of a plot: as many as can be told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """Rates are of one second; latencies those of the classified images that were due then.

    at_s:      its middle
    in_flight: requests under way, all generator processes together, at its end; None where nobody looked
    lag_s:     how late the generator was with what was due at a moment, the worst process
    """

    at_s: float
    due_per_s: float
    good_per_s: float
    bad_per_s: float
    p50_s: float | None
    p99_s: float | None
    in_flight: int | None
    lag_s: float | None


def seconds_of(samples: Sequence[Sample], pulses: Mapping[int, Sequence[Pulse]]) -> list[Second]:
    """In order, without a gap."""
    if not samples:
        return []
    ends_s, width_s = _ends_s(samples), point_s(samples)
    due: dict[int, list[float]] = defaultdict(list)
    counts = {name: np.zeros(int(ends_s // width_s) + 1) for name in ("due", "good", "bad")}
    for sample in samples:
        begun = int(sample.intended_s // width_s)
        counts["due"][begun] += 1
        ended = int(sample.done_s // width_s) if sample.was_sent else begun
        counts["good" if sample.is_good else "bad"][ended] += 1
        if sample.has_latency:
            due[begun].append(sample.latency_s)
    in_flight, lag_s = _vitals(pulses, width_s)
    return [
        Second(
            at_s=(index + 0.5) * width_s,
            due_per_s=float(counts["due"][index]) / width_s,
            good_per_s=float(counts["good"][index]) / width_s,
            bad_per_s=float(counts["bad"][index]) / width_s,
            p50_s=_quantile(due[index], 0.50),
            p99_s=_quantile(due[index], 0.99),
            in_flight=in_flight.get(index),
            lag_s=lag_s.get(index),
        )
        for index in range(len(counts["due"]))
    ]


def point_s(samples: Sequence[Sample]) -> int:
    """Return how many seconds a point of a plot stands for: 1, or more of a run that lasted longer than `MOST`."""
    return max(1, ceil(_ends_s(samples) / MOST))


def _ends_s(samples: Sequence[Sample]) -> float:
    return max((sample.done_s if sample.was_sent else sample.intended_s for sample in samples), default=0.0)


def _vitals(pulses: Mapping[int, Sequence[Pulse]], width_s: int) -> tuple[dict[int, int], dict[int, float]]:
    in_flight, lag_s = defaultdict[int, int](int), defaultdict[int, float](float)
    for every in pulses.values():
        last = {int(pulse.at_s // width_s): pulse for pulse in every}
        for index, pulse in last.items():
            in_flight[index] += pulse.in_flight
            lag_s[index] = max(lag_s[index], pulse.lag_s)
    return in_flight, lag_s


def _quantile(values: Sequence[float], share: float) -> float | None:
    return quantile(values, share) if values else None
