"""Pods find Services and the pods behind headless ones by name, as they find nothing without."""

import re
import time
from collections.abc import Callable
from functools import partial

import pytest

from cluster.addresses import DOMAIN, NODE, PODS
from cluster.cluster import is_own
from cluster.kubectl import Kubectl
from cluster.manifests import headless, web
from cluster.names import USER

pytestmark = pytest.mark.skipif(not is_own(), reason="needs a node of our own")

_KNOWN_S = 20


@pytest.fixture
def namespace(new_namespace: Callable[..., Kubectl]) -> Kubectl:
    """Two pods behind a Service, and behind a headless one."""
    made = new_namespace()
    made.apply(*web("web", replicas=2), headless("pods", "web"))
    made("rollout", "status", "deployment/web", "--timeout=60s")
    return made


def busybox(namespace: Kubectl, *command: str) -> str:
    done = namespace.run("exec", "deployment/web", "--", "/bin/busybox", *command)
    return done.stdout + done.stderr


def wait_for(look: Callable[[], object], wanted: object) -> None:
    deadline = time.monotonic() + _KNOWN_S
    while (found := look()) != wanted:
        assert time.monotonic() < deadline, (found, wanted)
        time.sleep(0.5)


def pods(namespace: Kubectl) -> dict[str, str]:
    items = namespace.get("pods", "--selector=app=web")["items"]
    return {item["metadata"]["name"]: item["status"]["podIP"] for item in items}


def answered_by_a_pod(namespace: Kubectl, url: str) -> bool:
    return busybox(namespace, "wget", "-q", "-O", "-", url).strip() in pods(namespace)


def test_a_service_answers_by_each_of_its_names(namespace: Kubectl) -> None:
    own = namespace.namespace
    for name in ("web", f"web.{own}", f"web.{own}.svc", f"web.{own}.svc.{DOMAIN}"):
        wait_for(partial(answered_by_a_pod, namespace, f"http://{name}/"), True)
    assert "bad address" in busybox(namespace, "wget", "-q", "-O", "-", "http://nobody/")


def test_a_headless_service_is_the_addresses_of_its_pods(namespace: Kubectl) -> None:
    name = f"pods.{namespace.namespace}.svc.{DOMAIN}"
    network = re.escape(str(PODS.network_address).rpartition(".")[0])

    def known() -> set[str]:
        return set(re.findall(rf"Address: ({network}[.][0-9]+)", busybox(namespace, "nslookup", name)))

    assert len(pods(namespace)) == 2
    wait_for(known, set(pods(namespace).values()))
    namespace("scale", "deployment/web", "--replicas=1")
    wait_for(lambda: len(pods(namespace)), 1)
    wait_for(known, set(pods(namespace).values()))


def test_a_pod_that_does_not_ask_coredns_finds_nothing(namespace: Kubectl) -> None:
    """The control: it is CoreDNS that answers."""
    assert f"nameserver {NODE}" in busybox(namespace, "cat", "/etc/resolv.conf")
    patch = '{"spec": {"template": {"spec": {"dnsPolicy": "Default"}}}}'
    namespace("patch", "deployment/web", "--patch", patch)
    namespace("rollout", "status", "deployment/web", "--timeout=60s")
    name = f"web.{namespace.namespace}.svc.{DOMAIN}"
    wait_for(lambda: "bad address" in busybox(namespace, "wget", "-q", "-O", "-", f"http://{name}/"), True)


def test_coredns_may_read_what_names_are_made_of_and_no_more(cluster: Kubectl) -> None:
    asked = ("list services", "list endpointslices", "list namespaces", "list secrets", "list pods", "create services")
    may = {verb: cluster.run("auth", "can-i", *verb.split(), "-A", "--as", USER).stdout.strip() for verb in asked}
    assert [verb for verb, answer in may.items() if answer == "yes"] == list(asked[:3])
