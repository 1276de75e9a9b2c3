"""Dashboards as tables, and the JSON that is made of them; that their queries have data is tested in tests/server."""

import json
import re
from itertools import combinations
from typing import Any

import pytest

from triptych_ops.monitoring.dashboards import DASHBOARDS, Dashboard, Kind, Source, dashboard_files

_GRAFANAS = {"$__rate_interval", "$__range"}


@pytest.fixture(params=DASHBOARDS, ids=lambda dashboard: dashboard.name)
def dashboard(request: pytest.FixtureRequest) -> Dashboard:
    found: Dashboard = request.param
    return found


@pytest.fixture
def document(dashboard: Dashboard) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(dashboard_files()[f"{dashboard.name}.json"])
    return found


def test_every_panel_says_what_it_shows_and_in_which_unit(dashboard: Dashboard) -> None:
    for panel in dashboard.panels:
        assert panel.title
        assert panel.description.endswith(".")
        assert panel.unit
        assert panel.queries
        assert len(panel.thresholds) <= 2
        assert list(panel.thresholds) == sorted(panel.thresholds)
        assert all(query.legend or panel.kind is Kind.HEATMAP for query in panel.queries)


def test_queries_go_by_the_choices_above_them_and_by_no_others(dashboard: Dashboard) -> None:
    choices = {f"${variable.name}" for variable in dashboard.variables}
    for panel, query in dashboard.queries:
        used = set(re.findall(r"\$\w+", query.expression)) - _GRAFANAS
        assert used <= choices, panel.title
        assert "$namespace" in used or query.source is Source.GPU, panel.title


def test_panels_lie_beside_each_other_within_the_page(document: dict[str, Any]) -> None:
    places = [panel["gridPos"] for panel in document["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


def test_the_document_has_each_panel_once_with_its_queries(dashboard: Dashboard, document: dict[str, Any]) -> None:
    numbers = [panel["id"] for panel in document["panels"]]
    assert len(set(numbers)) == len(numbers)
    drawn = [panel for panel in document["panels"] if panel["type"] != "row"]
    assert [panel["title"] for panel in drawn] == [panel.title for panel in dashboard.panels]
    for panel, made in zip(dashboard.panels, drawn, strict=True):
        assert [target["expr"] for target in made["targets"]] == [query.expression for query in panel.queries]
        assert all(target["instant"] != target["range"] for target in made["targets"])
        assert made["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_what_needs_more_than_servers_says_so(dashboard: Dashboard, document: dict[str, Any]) -> None:
    described = {panel["title"]: panel.get("description", "") for panel in document["panels"]}
    for panel, query in dashboard.queries:
        assert (f"Needs {query.source}." in described[panel.title]) == (query.source is not Source.SERVERS)


def test_thresholds_colour_the_bad_side_red(document: dict[str, Any]) -> None:
    steps = {
        panel["title"]: [step["color"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
        for panel in document["panels"]
        if panel["type"] not in {"row", "heatmap"}
    }
    expected = {
        "Error budget left": ["red", "yellow", "green"],
        "Alerts that fire": ["green", "red"],
        "Latency": ["green", "yellow", "red"],
        "Images": ["green"],
    }
    for title, colours in expected.items():
        assert steps.get(title, colours) == colours


def test_the_pages_are_of_different_addresses() -> None:
    uids = [json.loads(text)["uid"] for text in dashboard_files().values()]
    assert uids == ["triptych-overview", "triptych-releases", "triptych-capacity"]
