"""Prometheus finds pods through the API, and forgets those that are gone."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.cluster import is_own
from cluster.kubectl import Kubectl
from cluster.layout import Layout
from cluster.manifests import web
from cluster.prometheus import Prometheus, prometheus, scrape_configuration
from cluster.tools import fetch_tools

pytestmark = pytest.mark.skipif(not is_own(), reason="needs a node of our own")

_FOUND_S = 20


def wait_for_pods(found: Prometheus, namespace: Kubectl, *, replicas: int) -> None:
    deadline = time.monotonic() + _FOUND_S
    while True:
        pods = {pod["metadata"]["name"] for pod in namespace.get("pods", "--selector=app=web")["items"]}
        answering = {answer["metric"]["pod"] for answer in found.query('web_answers{app="web"} == 1')}
        if answering == pods and len(pods) == replicas:
            return
        assert time.monotonic() < deadline, (answering, pods)
        time.sleep(0.5)


def test_it_scrapes_the_pods_that_there_are(
    new_namespace: Callable[..., Kubectl], layout: Layout, tmp_path: Path
) -> None:
    namespace = new_namespace()
    namespace.apply(*web("web", replicas=2))
    namespace("rollout", "status", "deployment/web", "--timeout=60s")
    configuration = scrape_configuration(namespace.kubeconfig, namespace.namespace)
    with prometheus(fetch_tools(layout.cache, say=print).debian, tmp_path, configuration) as started:
        wait_for_pods(started, namespace, replicas=2)
        namespace("scale", "deployment/web", "--replicas=1")
        wait_for_pods(started, namespace, replicas=1)
