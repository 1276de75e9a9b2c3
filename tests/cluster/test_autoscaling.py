"""Load rises, and the chart's autoscaler adds a pod; load falls, and it removes it; no request is lost."""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.asking import GATEWAY_URLS
from cluster.charts import NAME, Charted
from cluster.cluster import is_own
from cluster.layout import Layout
from cluster.metrics import external_metrics
from cluster.prometheus import Prometheus, prometheus, scrape_configuration
from cluster.tools import fetch_tools
from helm.chart import CHART
from traffic.closed import Load
from traffic.paced import Paced
from triptych import Client

pytestmark = pytest.mark.skipif(not is_own(), reason="needs a node of our own")

RULES = CHART / "files" / "rules" / "serving.yaml"
AUTOSCALING = {
    "type": "hpa",
    "minReplicas": 1,
    "maxReplicas": 2,
    "queueSeconds": "0.02",  # where callers and pods share two cores, callers are the slower ones
    # Five minutes are right for a day of users, and too long for a test: the load is steady before it falls.
    "hpa": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 15}}},
}
CALLERS = 24
STEADY_PER_S = 2.0
ADDED_S = 150
REMOVED_S = 240
"""The rules look two minutes back, the autoscaler every 15 seconds."""
SETTLED_S = 10


@pytest.fixture
def measured(chart: Charted, layout: Layout, tmp_path: Path) -> Iterator[Prometheus]:
    """A Prometheus with the chart's rules and labels, which gives the cluster the chart's metrics."""
    discovery = scrape_configuration(chart.kubectl.kubeconfig, chart.kubectl.namespace)
    [job] = discovery["scrape_configs"]
    job["relabel_configs"] = [*_own_labels(), *_chart_labels(chart)]
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "2s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [job],
    }
    stable = f'{{namespace="{chart.kubectl.namespace}",track="stable"}}'
    expressions = {
        "triptych_queue_seconds_per_request": f"sum(triptych:queue_seconds_per_request:rate2m{stable})",
        "triptych_images_per_second": f"sum(triptych:images:rate2m{stable})",
    }
    debian = fetch_tools(layout.cache, say=print).debian
    with (
        prometheus(debian, tmp_path, configuration) as started,
        external_metrics(chart.kubectl, layout, started, expressions),
    ):
        yield started


@pytest.mark.timeout(900)
def test_a_pod_comes_with_the_load_and_goes_with_it(chart: Charted, measured: Prometheus) -> None:
    chart.install({"autoscaling": AUTOSCALING})
    assert len(chart.pods()) == 1
    url = GATEWAY_URLS["grpc"]
    with Client(url) as client, Paced(client, per_s=STEADY_PER_S) as steady:
        with Load([url] * CALLERS, timeout_s=10) as load:
            began_s = time.monotonic()
            added_s = _seconds_until(lambda: _ready(chart) == 2, within_s=ADDED_S, chart=chart)
            waited_s = _waiting_s(measured)
            time.sleep(SETTLED_S)
            load_s = time.monotonic() - began_s
        removed_s = _seconds_until(lambda: _pods(chart) == 1, within_s=REMOVED_S, chart=chart)
        time.sleep(SETTLED_S)
    chart.install()
    calls = [*steady.calls, *load.calls]
    assert [set(each.outcomes()) for each in (steady, load)] == [{"right"}] * 2, (steady.outcomes(), load.outcomes())
    print(
        f"autoscaling: {CALLERS} callers wait {waited_s:.2f} s at a pod; a second is ready after {added_s:.0f} s, "
        f"and gone {removed_s:.0f} s after the load: 0 of {len(calls)} requests lost, {len(load.calls) / load_s:.0f} a "
        f"second under load, the longest {max(call.ended_s - call.began_s for call in calls):.2f} s"
    )


def _own_labels() -> list[dict[str, Any]]:
    """What an operator gives every series of a pod."""
    found = {"__meta_kubernetes_namespace": "namespace", "__meta_kubernetes_pod_name": "pod"}
    named = [{"source_labels": [source], "target_label": target} for source, target in found.items()]
    only = {"source_labels": ["__meta_kubernetes_pod_container_port_name"], "regex": "metrics", "action": "keep"}
    return [only, *named]


def _chart_labels(chart: Charted) -> list[dict[str, Any]]:
    """What the chart's PodMonitor has an operator do."""
    monitored = chart.merged({"monitoring": {"monitor": "pod"}})
    rendered = chart("template", NAME, str(CHART), "--values=-", values=monitored)
    [monitor] = [found for found in yaml.safe_load_all(rendered) if found and found["kind"] == "PodMonitor"]
    [endpoint] = [each for each in monitor["spec"]["podMetricsEndpoints"] if each["port"] == "metrics"]
    return [
        {"source_labels": each["sourceLabels"], "target_label": each["targetLabel"]} for each in endpoint["relabelings"]
    ]


def _seconds_until(look: Callable[[], bool], *, within_s: float, chart: Charted) -> float:
    began_s = time.monotonic()
    while not look():
        assert time.monotonic() < began_s + within_s, chart.kubectl("describe", "hpa")
        time.sleep(0.5)
    return time.monotonic() - began_s


def _ready(chart: Charted) -> int:
    return int(_status(chart).get("readyReplicas", 0))


def _pods(chart: Charted) -> int:
    """That are there, those that end among them."""
    return len(chart.kubectl.get("pods", "--selector=app.kubernetes.io/component=server")["items"])


def _status(chart: Charted) -> Mapping[str, Any]:
    status: Mapping[str, Any] = chart.kubectl.get("deployment", f"{NAME}-stable")["status"]
    return status


def _waiting_s(measured: Prometheus) -> float:
    """Seconds that a request waits at the pod where it waits longest."""
    return max(float(found["value"][1]) for found in measured.query("triptych:queue_seconds_per_request:rate2m"))
