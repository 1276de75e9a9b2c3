"""What happened in each stage, in a few numbers. Pure."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from loadtests.profiles import Arrivals, Profile, Stage
from loadtests.sample_statistics import quantiles

from .sample import DROPPED, Sample

LATE_S: Final = 0.01
"""A request sent later than this is counted as late: one of ten milliseconds is half as long again."""

GRACE_S: Final = 1.0
"""An answer that comes so soon after its stage's end still counts as given in time: what was under way at the end is no
backlog, which would grow beyond any time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSummary:
    """One stage.

    offered:   requests that should have been sent
    sent:      those that were; `dropped` were not, `late` later than `LATE_S`
    good:      answered as they should be
    in_time:   good answers to its own requests that came while it lasted, or within `GRACE_S` after
    per_s:     good answers a second that came while it lasted, whichever stage had asked; `images_per_s` in images
    p50_s …:   quantiles (`sample_statistics`) of the latencies of requests that have one (`Sample.has_latency`); None
               without any
    lag_p99_s: how late the sending was
    codes:     of all samples
    """

    stage: str
    measured: bool
    seconds: float
    is_open: bool
    offered: int
    sent: int
    dropped: int
    late: int
    good: int
    in_time: int
    per_s: float
    images_per_s: float
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    lag_p99_s: float | None
    codes: Mapping[str, int]


def summaries(profile: Profile, samples: Sequence[Sample]) -> list[StageSummary]:
    """One a stage, in the profile's order."""
    by_stage: dict[str, list[Sample]] = {stage.name: [] for stage in profile.stages}
    for sample in samples:
        by_stage[sample.stage].append(sample)
    good = sorted((sample for sample in samples if sample.is_good), key=lambda sample: sample.done_s)
    found, begins_s = [], 0.0
    for stage in profile.stages:
        ends_s = begins_s + stage.seconds
        first, last = (bisect_left(good, moment_s, key=lambda sample: sample.done_s) for moment_s in (begins_s, ends_s))
        found.append(_summary(stage, by_stage[stage.name], good[first:last], ends_s=ends_s))
        begins_s = ends_s
    return found


def _summary(stage: Stage, samples: Sequence[Sample], meanwhile: Sequence[Sample], *, ends_s: float) -> StageSummary:
    """`meanwhile`: the good answers that came while it lasted."""
    sent = [sample for sample in samples if sample.was_sent]
    good = [sample for sample in sent if sample.is_good]
    p50_s, p95_s, p99_s = _quantiles([sample.latency_s for sample in good if sample.has_latency], (0.50, 0.95, 0.99))
    (lag_p99_s,) = _quantiles([sample.lag_s for sample in sent], (0.99,))
    codes = Counter(sample.code for sample in samples)
    return StageSummary(
        stage=stage.name,
        measured=stage.measured,
        seconds=stage.seconds,
        is_open=isinstance(stage.load, Arrivals),
        offered=len(samples),
        sent=len(sent),
        dropped=codes[DROPPED],
        late=sum(sample.lag_s > LATE_S for sample in sent),
        good=len(good),
        in_time=sum(sample.done_s <= ends_s + GRACE_S for sample in good),
        per_s=len(meanwhile) / stage.seconds,
        images_per_s=sum(sample.images for sample in meanwhile) / stage.seconds,
        p50_s=p50_s,
        p95_s=p95_s,
        p99_s=p99_s,
        lag_p99_s=lag_p99_s,
        codes=dict(codes),
    )


def _quantiles(values: Sequence[float], shares: Sequence[float]) -> Sequence[float | None]:
    return quantiles(values, shares) if values else [None] * len(shares)
