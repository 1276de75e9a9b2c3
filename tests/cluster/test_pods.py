"""Pods really run, are really reached, and are really refused."""

import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress

import pytest

from cluster.cluster import is_own
from cluster.errors import ClusterError
from cluster.kubectl import Kubectl
from cluster.manifests import HTTP_PORT, privileged, web

_RULES_S = 10

on_own_node = pytest.mark.skipif(not is_own(), reason="needs a node of our own")


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode().strip())


def test_all_nodes_are_ready(cluster: Kubectl) -> None:
    nodes = cluster.nodes()
    assert nodes
    assert all(nodes.values())


@on_own_node
def test_pods_answer_by_their_addresses_and_a_service_by_its_own(new_namespace: Callable[..., Kubectl]) -> None:
    namespace = new_namespace()
    assert "Warning" not in namespace.apply(*web("web", replicas=2))
    namespace("rollout", "status", "deployment/web", "--timeout=60s")
    pods = {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in namespace.get("pods")["items"]}
    assert len(pods) == 2
    assert {name: get(f"http://{address}:{HTTP_PORT}/") for name, address in pods.items()} == {n: n for n in pods}

    service = namespace.get("service", "web")["spec"]["clusterIP"]
    answers: set[str] = set()
    deadline = time.monotonic() + _RULES_S
    while answers != set(pods) and time.monotonic() < deadline:
        with suppress(OSError):  # refused until the rules of the Service are there
            answers.add(get(f"http://{service}/"))
    assert answers == set(pods), "not all pods were asked"


@on_own_node
def test_a_pod_reaches_a_service_and_its_own_one(new_namespace: Callable[..., Kubectl]) -> None:
    namespace = new_namespace()
    namespace.apply(*web("web"))
    namespace("rollout", "status", "deployment/web", "--timeout=60s")
    service = namespace.get("service", "web")["spec"]["clusterIP"]
    once = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | busybox nc -w 2 {service} 80"
    ask = f"for i in 1 2 3 4 5; do {once} && break; busybox sleep 1; done"
    answer = namespace("exec", "deployment/web", "--", "/bin/busybox", "sh", "-c", ask)
    assert answer.startswith("HTTP/1.1 200")


def test_restricted_refuses_a_privileged_pod(new_namespace: Callable[..., Kubectl]) -> None:
    with pytest.raises(ClusterError, match='violates PodSecurity "restricted:latest": privileged'):
        new_namespace().apply(privileged("root"))
    # The control: where everything is allowed it is accepted.
    assert "created" in new_namespace(level="privileged").apply(privileged("root"))


def test_a_service_account_may_only_what_its_role_says(new_namespace: Callable[..., Kubectl]) -> None:
    namespace = new_namespace()
    user = f"system:serviceaccount:{namespace.namespace}:default"
    may = ("auth", "can-i", "list", "pods", "--as", user)
    assert namespace.run(*may).stdout.strip() == "no"
    namespace("create", "role", "lister", "--verb=list", "--resource=pods")
    namespace("create", "rolebinding", "lister", "--role=lister", f"--serviceaccount={namespace.namespace}:default")
    assert namespace.run(*may).stdout.strip() == "yes"
