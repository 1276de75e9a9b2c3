"""A HorizontalPodAutoscaler adds a pod for what a real Prometheus answers."""

import ssl
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.addresses import MACHINE
from cluster.cluster import is_own
from cluster.kubectl import Kubectl
from cluster.layout import Layout
from cluster.manifests import web
from cluster.metrics import API, external_metrics
from cluster.prometheus import prometheus, scrape_configuration
from cluster.tools import fetch_tools

pytestmark = pytest.mark.skipif(not is_own(), reason="needs a node of our own")

_SCALED_S = 60


@pytest.fixture
def namespace(new_namespace: Callable[..., Kubectl], layout: Layout, tmp_path: Path) -> Iterator[Kubectl]:
    """One pod, and the metric `answers`: 1 of each pod, twice that many all together."""
    made = new_namespace()
    made.apply(*web("web"))
    made("rollout", "status", "deployment/web", "--timeout=60s")
    debian = fetch_tools(layout.cache, say=print).debian
    configuration = scrape_configuration(made.kubeconfig, made.namespace)
    with (
        prometheus(debian, tmp_path, configuration) as started,
        external_metrics(made, layout, started, {"answers": "2 * max(web_answers)"}),
    ):
        yield made


def autoscaler(metric: str) -> dict[str, Any]:
    wanted = {"metric": {"name": metric}, "target": {"type": "AverageValue", "averageValue": "1"}}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "maxReplicas": 3,
            "metrics": [{"type": "External", "external": wanted}],
        },
    }


def wait_for(look: Callable[[], bool], namespace: Kubectl) -> None:
    deadline = time.monotonic() + _SCALED_S
    while not look():
        assert time.monotonic() < deadline, namespace("describe", "hpa", "web")
        time.sleep(0.5)


def test_an_autoscaler_adds_a_pod(namespace: Kubectl) -> None:
    namespace.apply(autoscaler("answers"))
    wait_for(lambda: namespace.get("deployment", "web")["status"].get("readyReplicas") == 2, namespace)
    # What it saw is shared among the pods at its next look.
    wait_for(lambda: _average(namespace) == "1", namespace)


def _average(namespace: Kubectl) -> object:
    [seen] = namespace.get("hpa", "web")["status"]["currentMetrics"]
    return seen["external"]["current"]["averageValue"]


def test_an_autoscaler_adds_none_for_a_metric_that_is_not_there(namespace: Kubectl) -> None:
    """The control: without the metric's value the same autoscaler leaves the pods as they are."""
    namespace.apply(autoscaler("nothing"))
    wait_for(lambda: "there is no metric nothing" in namespace("describe", "hpa", "web"), namespace)
    assert namespace.get("deployment", "web")["spec"]["replicas"] == 1


def test_only_the_api_server_is_heard(namespace: Kubectl, layout: Layout) -> None:
    [port] = namespace.get("endpointslice", "external-metrics", "--namespace=kube-system")["ports"]
    url = f"https://{MACHINE}:{port['port']}/apis/external.metrics.k8s.io/v1beta1"
    context = ssl.create_default_context(cafile=layout.certificates / "ca.crt")
    context.check_hostname = False
    with pytest.raises(OSError, match=r"certificate required|reset|EOF"):
        urllib.request.urlopen(url, timeout=5, context=context)
    context.load_cert_chain(layout.certificates / "proxy.crt", layout.certificates / "proxy.key")
    with pytest.raises(OSError, match="403"):
        urllib.request.urlopen(url, timeout=5, context=context)
    assert namespace.exists("apiservice", API)
