"""Lines are where their numbers are."""

import re
from itertools import pairwise

import pytest

from loadtests.report.plots import CHARACTER, HEIGHT, WIDTH, Band, Plot, Series, svg


def plotted(points: list[tuple[float, float | None]], *, is_log: bool = False, **given: object) -> str:
    plot = Plot(title="of tests", x_name="x", y_name="y", series=[Series("a", "good", points)], is_log=is_log, **given)  # type: ignore[arg-type]
    return svg(plot)


def lines(text: str) -> list[list[tuple[float, float]]]:
    found = re.findall(r'<polyline class="\w+" points="([^"]+)"', text)
    return [[(float(x), float(y)) for x, y in (pair.split(",") for pair in line.split())] for line in found]


@pytest.mark.parametrize("is_log", [False, True])
def test_more_is_higher_and_later_is_further_right(is_log: bool) -> None:
    (line,) = lines(plotted([(0, 1), (1, 10), (2, 100), (3, 1000)], is_log=is_log))
    assert [x for x, _ in line] == sorted(x for x, _ in line)
    assert [y for _, y in line] == sorted((y for _, y in line), reverse=True)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in line)
    if is_log:
        steps = [before - after for (_, before), (_, after) in pairwise(line)]
        assert max(steps) - min(steps) < 0.2


def test_what_is_missing_is_a_gap() -> None:
    text = plotted([(0, 1), (1, 2), (2, None), (3, 2), (4, 1), (5, None), (6, 1)])
    assert [len(line) for line in lines(text)] == [2, 2]
    assert text.count("<circle") == 1


@pytest.mark.parametrize("points", [[], [(0.0, None)]])
def test_without_points_there_is_no_plot(points: list[tuple[float, float | None]]) -> None:
    assert plotted(points) == ""


@pytest.mark.parametrize("value", [0.0, 1e-9, 1e9])
@pytest.mark.parametrize("is_log", [False, True])
def test_any_number_can_be_drawn(value: float, is_log: bool) -> None:
    assert "nan" not in plotted([(0, value), (1, value)], is_log=is_log)
    assert "nan" not in plotted([(0, value)], is_log=is_log)


def test_names_are_escaped() -> None:
    text = plotted([(0, 1), (9, 1)], bands=[Band("<b>", 0, 9)], bound=("p99<1", 2.0))
    assert "&lt;b&gt;" in text
    assert "p99&lt;1" in text


def texts_of_bands(text: str) -> list[tuple[float, str]]:
    found = re.findall(r'<text class="stage" x="([\d.]+)"[^>]*>([^<]*)<', text)
    return [(float(x), name) for x, name in found]


@pytest.mark.parametrize("warm_up", [0.1, 0.5, 1.33, 2.0, 4.0])
def test_names_of_bands_do_not_reach_into_the_next_band(warm_up: float) -> None:
    """A warm-up's name stands in brackets, which are part of its width; 1.33 of 20 seconds was too narrow for it."""
    bands = [Band("warm-up", 0, warm_up, measured=False), Band("before", warm_up, 6), Band("spike", 6, 20)]
    text = plotted([(0, 1), (20, 1)], bands=bands, x_most=20.0)
    shown = texts_of_bands(text)
    assert [name for _, name in shown][-2:] == ["before", "spike"]
    for (x, name), (following, _) in pairwise(shown):
        assert x + CHARACTER * len(name) <= following
    assert "<title>(warm-up)</title>" in text


def test_a_bounds_name_is_not_written_over_those_of_bands() -> None:
    at_the_top = plotted([(0, 1), (9, 1)], bands=[Band("a", 0, 9)], bound=("p99<1", 1.0))
    low = plotted([(0, 100), (9, 100)], bands=[Band("a", 0, 9)], bound=("p99<1", 1.0))

    def heights(text: str) -> tuple[float, float]:
        line = re.search(r'<line class="bound"[^>]* y1="([\d.]+)"', text)
        name = re.search(r'<text class="bound"[^>]* y="([\d.]+)"', text)
        assert line
        assert name
        return float(line[1]), float(name[1])

    line, name = heights(at_the_top)
    assert name > line
    line, name = heights(low)
    assert name < line
