"""Where things lie on a page. Pure.

Shares over time are drawn on 1000 by 220 units; intervals lie at percentages of a bar.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from .story import Metric, Point, Row, Story

WIDTH, HEIGHT = 1000.0, 220.0
_LEFT, _TOP, _BOTTOM = 48.0, 12.0, 28.0
_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400)
_MOST_TICKS = 8


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of a grid, and its name."""

    at: float
    name: str


@dataclass(frozen=True, slots=True)
class Marker:
    """A decision on the line of shares."""

    x: float
    y: float
    act: str
    why: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Shares over time."""

    line: str
    area: str
    markers: tuple[Marker, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """An interval and an estimate, in percent of the bar's width; None without one."""

    row: Row
    left: float | None
    width: float = 0.0
    middle: float | None = None


@dataclass(frozen=True, slots=True)
class Forest:
    """The intervals of a metric, and its two bounds."""

    metric: Metric
    bars: tuple[Bar, ...]
    tolerance: float
    limit: float
    zero: float


def chart(story: Story) -> Chart:
    """Of the shares, with each decision that changed them or stopped them."""
    lasted_s = max(story.lasted_s, 1.0)

    def x(at_s: float) -> float:
        return round(_LEFT + (WIDTH - _LEFT - 8) * at_s / lasted_s, 1)

    corners = _corners(story.shares, lasted_s)
    line = " ".join(f"{x(at_s)},{_y(percent)}" for at_s, percent in corners)
    area = f"{x(0)},{_y(0)} {line} {x(lasted_s)},{_y(0)}"
    markers = tuple(
        Marker(x(at_s), _y(_percent_at(story.shares, at_s)), str(each.act), each.why)
        for at_s, each in story.decisions
        if each.act != "hold"
    )
    every_s = next((each for each in _TICKS if lasted_s / each <= _MOST_TICKS), _TICKS[-1])
    moments = [every_s * number for number in range(int(lasted_s // every_s) + 1)]
    return Chart(
        line,
        area,
        markers,
        tuple(Tick(x(at_s), spoken(at_s)) for at_s in moments),
        tuple(Tick(_y(percent), f"{percent} %") for percent in (0, 25, 50, 75, 100)),
    )


def forest(metric: Metric) -> Forest:
    """All intervals of a metric on one scale, which has zero and both bounds on it."""
    values = [value for row in metric.rows for value in (row.low, row.high, row.estimate) if value is not None]
    values += [0.0, metric.tolerance, metric.limit]
    least, most = min(values), max(values)
    room = 0.06 * (most - least or 1.0)
    least, most = least - room, most + room

    def at(value: float) -> float:
        return round(100 * (value - least) / (most - least), 2)

    return Forest(metric, tuple(_bar(row, at) for row in metric.rows), at(metric.tolerance), at(metric.limit), at(0.0))


def spoken(seconds: float) -> str:
    """A time since the beginning, as 1:30 h or 12 min or 3.5 s."""
    if seconds >= 5400:
        return f"{str(timedelta(seconds=round(seconds / 60) * 60))[:-3]} h"
    if seconds >= 120:
        return f"{seconds / 60:.0f} min" if seconds % 60 == 0 or seconds >= 600 else f"{seconds / 60:.1f} min"
    return f"{seconds:g} s" if seconds == int(seconds) else f"{seconds:.1f} s"


def _corners(shares: Sequence[Point], until_s: float) -> list[tuple[float, int]]:
    corners: list[tuple[float, int]] = []
    for point in shares:
        if corners:
            corners.append((point.at_s, corners[-1][1]))
        corners.append((point.at_s, point.percent))
    return [*corners, (until_s, corners[-1][1])]


def _percent_at(shares: Sequence[Point], at_s: float) -> int:
    return [point.percent for point in shares if point.at_s <= at_s][-1]


def _y(percent: float) -> float:
    return round(_TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - percent / 100), 1)


def _bar(row: Row, at: Callable[[float], float]) -> Bar:
    if row.low is None or row.high is None or row.estimate is None:
        return Bar(row, None)
    left, right = sorted((at(row.low), at(row.high)))
    within = min(row.low, row.high) <= row.estimate <= max(row.low, row.high)  # a latency's is at another multiple
    return Bar(row, left, round(right - left, 2), at(row.estimate) if within else None)
