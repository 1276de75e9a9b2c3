"""A real Prometheus scrapes the real server, its edge, a client and a gateway under load: dashboards show what was."""

import json
import math
import re
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, start_http_server

import gateways
from cluster.prometheus import Prometheus
from commands import triptych
from edges import edge_before, triton
from prometheus_tools import check_rules
from scraping import scraping
from triptych import Client, ImageError
from triptych.prometheus import PrometheusObserver
from triptych_ops.monitoring.dashboards import DASHBOARDS, Source
from triptych_ops.photographs import PHOTOGRAPHS
from triptych_ops.runtime import Ports
from triptych_ops.runtime.edge import Edge

_LOAD_S = 22.0
_PERIOD_S = 0.25  # of each caller
_SCRAPED = {Source.SERVERS, Source.CLIENTS, Source.GATEWAY}
_VARIABLES = {
    "$__rate_interval": "15s",
    "$__range": "20s",
    "$namespace": "shop",
    "$track": ".*",
    "$release": ".*",
    "$baseline": "1",
    "$candidate": "2",
}
_NAME = re.compile(r"\b(?:[a-zA-Z_]\w*(?::\w+)*)(?=\{)")
_NAMED = re.compile(r'__name__=~"([^"]+)"')


@dataclass(frozen=True, slots=True)
class Asked:
    """How many images were sent, and what came back."""

    prometheus: Prometheus
    classified: int
    rejected: int


def filled(expression: str) -> str:
    """A dashboard's query as Grafana would send it."""
    for name, value in sorted(_VARIABLES.items(), reverse=True):  # $release after $releases
        expression = expression.replace(name, value)
    assert "$" not in expression
    return expression


def names(expression: str) -> set[str]:
    """Of the metrics that a query reads."""
    alternatives = (name for found in _NAMED.findall(expression) for name in found.split("|"))
    return {*_NAME.findall(expression), *alternatives}


@pytest.fixture(scope="module")
def asked(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    with ExitStack() as stack:
        server = stack.enter_context(triton(store))
        edge = stack.enter_context(edge_before(server.ports, metrics_port=Ports.free().metrics))
        gateway = stack.enter_context(gateways.running(edge.settings.grpc_url))
        client, told = stack.enter_context(_told(edge))
        # One server as two tracks: releases that are alike.
        served = [
            (url, {"namespace": "shop", "pod": pod, "track": track, "release": release})
            for url in (server.ports.metrics_url, edge.settings.metrics_url)
            for pod, track, release in (("a", "stable", "1"), ("b", "candidate", "2"))
            if url
        ]
        others = [(told, {"namespace": "shop"}), (f"{gateway.url}/metrics", {"namespace": "shop"})]
        prometheus = stack.enter_context(scraping(tmp_path_factory.mktemp("prometheus"), [*served, *others]))
        classified, rejected = _load(client, edge, gateway)
        time.sleep(4)  # told each two seconds, scraped each
        yield Asked(prometheus, classified, rejected)


@contextmanager
def _told(edge: Edge) -> Iterator[tuple[Client, str]]:
    """An application's client, and where it tells its metrics."""
    registry, port = CollectorRegistry(), Ports.free().metrics
    server, thread = start_http_server(port, addr="127.0.0.1", registry=registry)
    with Client(edge.settings.grpc_url, observers=[PrometheusObserver(registry=registry)]) as client:
        yield client, f"http://127.0.0.1:{port}/metrics"
    server.shutdown()
    server.server_close()
    thread.join()


def _load(client: Client, edge: Edge, gateway: gateways.RunningGateway) -> tuple[int, int]:
    """Photographs and what is none, at an even pace: over gRPC, HTTP and the gateway. Images classified, rejected."""
    photographs = [photograph.path for photograph in PHOTOGRAPHS]
    images: list[Path | bytes] = [*photographs, b"no image"]
    end, answered = time.monotonic() + _LOAD_S, list[bool]()

    def call(caller: Client) -> None:
        number = 0
        while time.monotonic() < end:
            results = list(caller.classify_many([images[number % 4], images[(number + 1) % 4]], batch_size=2))
            answered.extend(not isinstance(result, ImageError) for result in results)
            number += 1
            time.sleep(_PERIOD_S)

    with Client(edge.settings.http_url) as other:
        threads = [threading.Thread(target=call, args=(caller,)) for caller in (client, other)]
        for thread in threads:
            thread.start()
        while time.monotonic() < end:
            assert gateway.classify(photographs[0].read_bytes(), Content_Type="image/png").status == 200
            answered.append(True)
            time.sleep(_PERIOD_S)
        for thread in threads:
            thread.join()
    return answered.count(True), answered.count(False)


def test_every_query_of_the_dashboards_has_data(asked: Asked) -> None:
    told = _all_names(asked.prometheus)
    empty, apart, count = [], [], 0
    for dashboard in DASHBOARDS:
        for panel, query in dashboard.queries:
            if query.source not in _SCRAPED:
                apart.append(f"{dashboard.name}: {panel.title}: needs {query.source}")
                continue
            count += 1
            numbers = [float(row["value"][1]) for row in asked.prometheus.query(filled(query.expression))]
            unknown = names(query.expression) - told - {"ALERTS"}  # of which there are none
            if not numbers or any(map(math.isnan, numbers)) or unknown:
                empty.append(f"{dashboard.name}: {panel.title}: {numbers} {sorted(unknown)}\n{query.expression}")
    assert not empty, "\n".join(empty)
    print(f"{count} queries of {len(DASHBOARDS)} dashboards have data; {len(apart)} are not asked here:")
    print("\n".join(f"  {line}" for line in apart))


def test_a_misspelt_query_would_be_found(asked: Asked) -> None:
    """The control: with its names misspelt a query is empty, and a misspelt name is none that Prometheus knows."""
    told, empty = _all_names(asked.prometheus), 0
    for dashboard in DASHBOARDS:
        for panel, query in dashboard.queries:
            misspelt = query.expression
            for name in names(query.expression) - {"ALERTS"}:
                assert f"{name}x" not in told
                misspelt = re.sub(rf"\b{name}\b", f"{name}x", misspelt)
            if misspelt != query.expression:
                assert asked.prometheus.query(filled(misspelt)) == [], panel.title
                empty += 1
    print(f"{empty} queries with misspelt names are empty")


def test_the_numbers_are_those_of_what_was_asked(asked: Asked) -> None:
    def value(expression: str) -> float:
        (row,) = asked.prometheus.query(expression)
        return float(row["value"][1])

    for release in "12":
        assert value(f'sum(triptych_predictions_total{{release="{release}"}})') == asked.classified
        assert value(f'sum(triptych_image_errors_total{{release="{release}"}})') == asked.rejected
        assert value(f'triptych_top_score_bucket{{release="{release}",le="+Inf"}}') == asked.classified
    assert asked.prometheus.query('{__name__=~"triptych_.*",exported_release!=""}') == []
    moved = [
        value(filled(query.expression))
        for dashboard in DASHBOARDS
        for panel, query in dashboard.queries
        if panel.title in {"Classes that moved", "Probabilities that moved"}
    ]
    assert moved == [pytest.approx(0, abs=0.05), pytest.approx(0, abs=0.05)]  # scraped at two moments
    firing = asked.prometheus.query('ALERTS{alertname=~"Triptych.*",alertstate="firing"}')
    print(f"{asked.classified} images classified and {asked.rejected} rejected, all counted; alike releases differ by")
    print(f"  {moved[0]:.3f} in classes, {moved[1]:.3f} in probabilities; {len(firing)} alerts fire")


def test_the_terminal_shows_the_same(asked: Asked) -> None:
    done = triptych(
        *("top", "--prometheus", asked.prometheus.url, "--namespace", "shop", "--window", 15, "--once", "--json")
    )
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    for rows in (shown["served"], shown["edges"]):
        assert [(row["track"], row["release"]) for row in rows] == [("stable", "1"), ("candidate", "2")]
    served, edge = shown["served"][0], shown["edges"][0]
    images = 'sum(increase(triptych_predictions_total{release="1"}[15s])) / 15'
    [row] = asked.prometheus.query(images)
    assert served["images"] == pytest.approx(float(row["value"][1]), rel=0.5)
    assert served["failed"] == edge["failed"] == 0
    assert served["refused"] > 0
    assert 0 < edge["p50_s"] <= edge["p99_s"]
    assert served["classes"]
    print(f"triptych top: {served['images']:.1f} images/s, p50 at the edge {edge['p50_s'] * 1000:.0f} ms")


def test_prometheus_can_read_every_query(tmp_path: Path) -> None:
    rules = [
        {"record": f"query{number}", "expr": filled(query.expression)}
        for number, query in enumerate(query for dashboard in DASHBOARDS for _, query in dashboard.queries)
    ]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}), encoding="utf-8")
    assert check_rules(file) == ""
    rules[0]["expr"] += ")"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}), encoding="utf-8")
    assert "parse error" in check_rules(file)
    print(f"{len(rules)} queries read by promtool")


def _all_names(prometheus: Prometheus) -> set[str]:
    with urllib.request.urlopen(f"{prometheus.url}/api/v1/label/__name__/values", timeout=5) as answer:
        document: dict[str, Any] = json.load(answer)
    return set(document["data"])
