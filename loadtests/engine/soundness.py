"""Was the generator itself the bottleneck? Pure.

A generator that is busy, or late with its sending, measures itself. So a run says nothing of the server where

    a process took 90 % of a core, or more, in a quarter of the measured seconds, or
    the sending was late by more than a tenth of the median latency that it is part of, or a quarter at the 99th
    percentile, where a busy machine's scheduler has its part, and by more than can be of interest, or
    the event loop was late by so much with everything, in the median second: it sees answers as late as that
"""

from collections.abc import Mapping, Sequence
from typing import Final

from loadtests.profiles import Arrivals, Profile
from loadtests.records.pulse import Pulse
from loadtests.records.sample import Sample
from loadtests.sample_statistics import median, quantile

from .vitals import PERIOD_S

BUSY_SHARE: Final = 0.9
BUSY_SECONDS_SHARE: Final = 0.25
LATE: Final[Mapping[int, tuple[float, float]]] = {50: (0.1, 0.001), 99: (0.25, 0.005)}
"""Percentile -> the share of the latency, and the seconds, that are too much."""

_SLOW_S: Final = 0.005  # an event loop's own timers are a millisecond late
_FEW: Final = 20  # samples; a percentile of fewer says nothing


def bottleneck(profile: Profile, samples: Sequence[Sample], pulses: Mapping[int, Sequence[Pulse]]) -> str | None:
    """What kept the generator from its work, in a sentence; None where nothing did."""
    return _busy(profile, pulses) or _late(profile, samples) or _slow(profile, samples, pulses)


def _busy(profile: Profile, pulses: Mapping[int, Sequence[Pulse]]) -> str | None:
    for process, every in pulses.items():
        measured = [pulse for pulse in every if profile.stage_at(pulse.at_s - PERIOD_S / 2).measured]
        busy = [pulse for pulse in measured if pulse.cpu_share >= BUSY_SHARE]
        if measured and len(busy) >= BUSY_SECONDS_SHARE * len(measured):
            return (
                f"generator process {process} took {max(pulse.cpu_share for pulse in busy):.0%} of a core, "
                f"and {BUSY_SHARE:.0%} or more in {len(busy)} of {len(measured)} seconds; use more --processes"
            )
    return None


def _late(profile: Profile, samples: Sequence[Sample]) -> str | None:
    stages = {each.name for each in profile.stages if each.measured and isinstance(each.load, Arrivals)}
    sent = [sample for sample in samples if sample.stage in stages and sample.was_sent]
    if len(sent) < _FEW:
        return None
    for percentile, (share, least_s) in LATE.items():
        lag_s = quantile([sample.lag_s for sample in sent], percentile / 100)
        latency_s = quantile([sample.latency_s for sample in sent], percentile / 100)
        if lag_s > max(least_s, share * latency_s):
            return (
                f"the generator was late with its sending: by {lag_s * 1000:.1f} ms of the {latency_s * 1000:.1f} ms "
                f"of latency at the {percentile}th percentile; use more --processes, or a machine of its own"
            )
    return None


def _slow(profile: Profile, samples: Sequence[Sample], pulses: Mapping[int, Sequence[Pulse]]) -> str | None:
    stages = {each.name for each in profile.stages if each.measured}
    latencies_s = [sample.latency_s for sample in samples if sample.stage in stages and sample.was_sent]
    if len(latencies_s) < _FEW:
        return None
    latency_s = median(latencies_s)
    for process, every in pulses.items():
        lags_s = [pulse.lag_s for pulse in every if profile.stage_at(pulse.at_s - PERIOD_S / 2).measured]
        lag_s = median(lags_s) if lags_s else 0.0
        if lag_s > max(_SLOW_S, LATE[50][0] * latency_s):
            return (
                f"generator process {process} saw answers {lag_s * 1000:.0f} ms late, of {latency_s * 1000:.0f} ms of "
                "latency at the median; use more --processes, or a machine of its own"
            )
    return None
