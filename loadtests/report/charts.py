"""Which plots a report has, as data. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from loadtests.objectives import Unit
from loadtests.sample_statistics import quantiles

from .finding import Finding
from .plots import Band, Plot, Series
from .seconds import Second, seconds_of

_MS: Final = 1000.0
_PERCENTS: Final = (0.0, 50.0, 90.0, 99.0, 99.9, 99.99)
_COLOURS: Final = 8  # classes `c0` … of the page's style


def charts(finding: Finding) -> list[Plot]:
    """In the order in which they are to be read."""
    stored = finding.stored
    seconds = seconds_of(stored.samples, stored.pulses)
    ends_s = seconds[-1].at_s + seconds[0].at_s if seconds else 0.0
    bands = list(_bands(finding, ends_s))
    x_most = max(ends_s, bands[-1].ends if bands else 0.0)
    return [
        _rates(seconds, bands, x_most),
        _latencies(finding, seconds, bands, x_most),
        _distribution(finding),
        _under_way(seconds, bands, x_most),
    ]


def _bands(finding: Finding, ends_s: float) -> Iterator[Band]:
    begins_s = 0.0
    for stage in finding.stored.run.profile.stages:
        if begins_s < ends_s:
            yield Band(stage.name, begins_s, min(begins_s + stage.seconds, max(ends_s, begins_s)), stage.measured)
        begins_s += stage.seconds


def _rates(seconds: Sequence[Second], bands: Sequence[Band], x_most: float) -> Plot:
    bad = [(each.at_s, each.bad_per_s) for each in seconds]
    return Plot(
        title="Requests a second",
        x_name="seconds",
        y_name="requests/s",
        series=[
            Series("due", "due", [(each.at_s, each.due_per_s) for each in seconds]),
            Series("answered rightly", "good", [(each.at_s, each.good_per_s) for each in seconds]),
            *([Series("failed or dropped", "bad", bad)] if any(per_s for _, per_s in bad) else []),
        ],
        bands=bands,
        x_most=x_most,
    )


def _latencies(finding: Finding, seconds: Sequence[Second], bands: Sequence[Band], x_most: float) -> Plot:
    bounds = [each.objective for each in finding.verdicts if each.objective.figure.unit is Unit.SECONDS]
    tightest = min(bounds, key=lambda each: each.bound, default=None)
    return Plot(
        title="Latency from the intended time of sending",
        x_name="seconds",
        y_name="ms, logarithmic",
        series=[
            Series("median", "good", [(each.at_s, _ms(each.p50_s)) for each in seconds]),
            Series("99th percentile", "tail", [(each.at_s, _ms(each.p99_s)) for each in seconds]),
        ],
        bands=bands,
        bound=(str(tightest), tightest.bound * _MS) if tightest else None,
        is_log=True,
        x_most=x_most,
    )


def _distribution(finding: Finding) -> Plot:
    """Latency by percentile, drawn by how rare it is: as far from 90 to 99 % as from 99 to 99.9 %."""
    series = []
    measured = [stage.stage for stage in finding.stages if stage.measured]
    for index, name in enumerate(measured):
        good = [each.latency_s for each in finding.stored.samples if each.stage == name and each.has_latency]
        if good:
            nines = np.arange(0.0, np.log10(len(good)) + 1e-9, 0.02)
            shares = 1 - 10**-nines
            points = [(float(x), float(y) * _MS) for x, y in zip(nines, quantiles(good, shares.tolist()), strict=True)]
            series.append(Series(name, f"c{index % _COLOURS}", points))
    rarest = max((x for each in series for x, _ in each.points), default=0.0)
    return Plot(
        title="Latency by percentile",
        x_name="percent of the requests that were at least as fast",
        y_name="ms, logarithmic",
        series=series,
        x_most=rarest or None,
        ticks=[(_rarity(percent), f"{percent:g} %") for percent in _PERCENTS if _rarity(percent) <= rarest + 1e-6],
        is_log=True,
    )


def _rarity(percent: float) -> float:
    """How many nines."""
    return -float(np.log10(1 - percent / 100))


def _under_way(seconds: Sequence[Second], bands: Sequence[Band], x_most: float) -> Plot:
    return Plot(
        title="Requests under way, and how late the generator was",
        x_name="seconds",
        y_name="requests, ms",
        series=[
            Series("under way", "due", [(each.at_s, each.in_flight) for each in seconds]),
            Series("generator's lag, ms", "tail", [(each.at_s, _ms(each.lag_s)) for each in seconds]),
        ],
        bands=bands,
        x_most=x_most,
    )


def _ms(value_s: float | None) -> float | None:
    return None if value_s is None else value_s * _MS
