"""Plots as SVG that stands in a page: its colours are the page's, so that light and dark both fit. Pure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final

WIDTH: Final = 880
HEIGHT: Final = 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 14, 34
_TICKS: Final = 6
_BAND_ROOM: Final = 4  # between a band's edge and its name
_LEAST_CHARACTERS: Final = 4  # of a name that is shortened

CHARACTER: Final = 6.6
"""How wide a character of a label may be: 11 pixels of a sans-serif face, six tenths of that for a wide one."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """A line; a gap where `y` is None. `kind` is a class of the page's style, which gives the colour."""

    name: str
    kind: str
    points: Sequence[tuple[float, float | None]]


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of the x axis with a name, as a stage."""

    name: str
    begins: float
    ends: float
    measured: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A plot of several lines.

    bound:  a level to be seen beside them, with its name
    ticks:  of the x axis, with what they are called; None: round numbers
    is_log: of the y axis
    """

    title: str
    x_name: str
    y_name: str
    series: Sequence[Series]
    bands: Sequence[Band] = ()
    bound: tuple[str, float] | None = None
    ticks: Sequence[tuple[float, str]] | None = None
    is_log: bool = False
    x_least: float = 0.0
    x_most: float | None = field(default=None)


def svg(plot: Plot) -> str:
    """The plot; empty where it has no points."""
    points = [(x, y) for each in plot.series for x, y in each.points if y is not None]
    if not points:
        return ""
    x_most = plot.x_most or max(x for x, _ in points) or 1.0
    levels = [y for _, y in points] + ([plot.bound[1]] if plot.bound else [])
    least, most = _bounds(levels, is_log=plot.is_log)
    x_at = _scale(plot.x_least, x_most, _LEFT, WIDTH - _RIGHT)
    y_at = _scale(least, most, HEIGHT - _BOTTOM, _TOP, is_log=plot.is_log)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(plot.title)}">',
        *(_band(each, x_at, index) for index, each in enumerate(plot.bands)),
        *(_y_tick(value, y_at) for value in (_decades if plot.is_log else _round)(least, most)),
        *(_x_tick(value, name, x_at) for value, name in plot.ticks or _named(plot.x_least, x_most)),
        *(_bound(plot.bound, y_at) if plot.bound else ()),
        *(_line(each, x_at, y_at, least) for each in plot.series),
        f'<text class="axis" x="{WIDTH - _RIGHT}" y="{HEIGHT - 4}" text-anchor="end">{escape(plot.x_name)}</text>',
        "</svg>",
    ]
    return "\n".join(parts)


def _bounds(levels: Sequence[float], *, is_log: bool) -> tuple[float, float]:
    most = max(levels)
    if not is_log:
        return 0.0, most * 1.08 or 1.0
    above = [level for level in levels if level > 0] or [1.0]
    return 10 ** math.floor(math.log10(min(above))), max(10 ** math.floor(math.log10(min(above)) + 1), most * 1.2)


def _scale(least: float, most: float, first: float, last: float, *, is_log: bool = False) -> Callable[[float], float]:
    def place(value: float) -> float:
        if is_log:
            share = math.log(max(value, least) / least) / math.log(most / least)
        else:
            share = (value - least) / (most - least)
        return first + share * (last - first)

    return place


def _round(least: float, most: float) -> list[float]:
    """Round numbers between, some six."""
    raw = (most - least) / _TICKS
    power = 10 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
    first = math.ceil(least / step)
    return [index * step for index in range(first, math.floor(most / step) + 1)]


def _decades(least: float, most: float) -> list[float]:
    factors = (1, 2, 5) if most / least < 1e3 else (1,)
    decades = range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)
    values = (factor * 10.0**power for power in decades for factor in factors)
    return [value for value in values if least <= value <= most]


def _named(least: float, most: float) -> list[tuple[float, str]]:
    return [(value, _number(value)) for value in _round(least, most)]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _band(band: Band, x_at: Callable[[float], float], index: int) -> str:
    x, width = x_at(band.begins), x_at(band.ends) - x_at(band.begins)
    kind = "band" if index % 2 == 0 else "band odd"
    name = band.name if band.measured else f"({band.name})"
    fitting = _fitting(name, width - 2 * _BAND_ROOM)
    shown = f'<text class="stage" x="{x + _BAND_ROOM:.1f}" y="{_TOP + 10}">{escape(fitting)}</text>' if fitting else ""
    rectangle = f'<rect class="{kind}" x="{x:.1f}" y="{_TOP}" width="{width:.1f}" height="{HEIGHT - _TOP - _BOTTOM}">'
    return f"{rectangle}<title>{escape(name)}</title></rect>{shown}"


def _fitting(name: str, width: float) -> str:
    """Return the name, shortened where it is wider; empty where not even its beginning fits. The tooltip has all."""
    characters = int(width / CHARACTER)
    if len(name) <= characters:
        return name
    return f"{name[: characters - 1]}…" if characters >= _LEAST_CHARACTERS else ""


def _y_tick(value: float, y_at: Callable[[float], float]) -> str:
    y = y_at(value)
    line = f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return f'{line}<text class="axis" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_number(value)}</text>'


def _x_tick(value: float, name: str, x_at: Callable[[float], float]) -> str:
    return f'<text class="axis" x="{x_at(value):.1f}" y="{HEIGHT - _BOTTOM + 15}" text-anchor="middle">{name}</text>'


def _bound(bound: tuple[str, float], y_at: Callable[[float], float]) -> tuple[str, str]:
    name, level = bound
    y = y_at(level)
    beside = y - 5 if y - 16 > _TOP + 14 else y + 13  # below the line where the names of the bands are above it
    return (
        f'<line class="bound" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>',
        f'<text class="bound" x="{WIDTH - _RIGHT - 4}" y="{beside:.1f}" text-anchor="end">{escape(name)}</text>',
    )


def _line(series: Series, x_at: Callable[[float], float], y_at: Callable[[float], float], least: float) -> str:
    pieces: list[list[Point]] = [[]]
    for x, y in series.points:
        if y is None:
            pieces.append([])
        else:
            pieces[-1].append((x_at(x), y_at(max(y, least))))
    drawn = []
    for piece in pieces:
        if len(piece) == 1:
            ((x, y),) = piece
            drawn.append(f'<circle class="{series.kind}" cx="{x:.1f}" cy="{y:.1f}" r="2"/>')
        elif piece:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in piece)
            drawn.append(f'<polyline class="{series.kind}" points="{path}"/>')
    return "".join(drawn)
