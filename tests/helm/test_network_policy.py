"""Who may speak to pods, and to whom pods may speak: all that is not in these tables is refused."""

from typing import Any

import pytest

from helm.chart import render_scenario

_CLIENTS = "pods triptych/client=true"
_TEST = "pods app.kubernetes.io/component=test,app.kubernetes.io/instance=test"
_DNS = {
    ("namespaces kubernetes.io/metadata.name=kube-system", "UDP", 53),
    ("namespaces kubernetes.io/metadata.name=kube-system", "TCP", 53),
}
_ANYWHERE = {("cidr 0.0.0.0/0", "TCP", 443)}
_PROMETHEUS: set[tuple[str, str, int | str]] = {
    ("namespaces kubernetes.io/metadata.name=monitoring", "TCP", port) for port in ("metrics", "edge-metrics")
}

_Row = tuple[str, str, int | str]


def _asking(*who: str) -> set[_Row]:
    return {(each, "TCP", port) for each in who for port in ("http", "grpc")}


_TABLE: dict[str, tuple[set[_Row], set[_Row]]] = {
    "minimal": (_asking(_CLIENTS, _TEST), _DNS | _ANYWHERE),
    "existing-claim": (_asking(_CLIENTS, _TEST), set()),
    "oci-volume": (_asking(_CLIENTS, _TEST), set()),
    "gateway": (_asking("namespaces kubernetes.io/metadata.name=gateways", _TEST), _DNS | _ANYWHERE),
    "monitoring": (_asking(_CLIENTS, _TEST) | _PROMETHEUS, _DNS | _ANYWHERE),
    "pod-monitor": (_asking(_CLIENTS, _TEST) | _PROMETHEUS, _DNS | _ANYWHERE),
    "tracing": (
        _asking(_CLIENTS, _TEST),
        _DNS | {("namespaces kubernetes.io/metadata.name=monitoring", "TCP", 4318)},
    ),
    "s3-signed": (
        _asking(_CLIENTS, _TEST),
        _DNS | {("namespaces kubernetes.io/metadata.name=storage", "TCP", 8333)},
    ),
}
"""Scenario -> who may ask for what, what pods may ask for."""


@pytest.mark.parametrize("scenario", _TABLE)
def test_the_policy_allows_what_the_table_has_and_nothing_else(scenario: str) -> None:
    rendered = render_scenario(scenario)
    spec = rendered.one("NetworkPolicy")["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert (_rows(spec["ingress"], "from"), _rows(spec["egress"], "to")) == _TABLE[scenario]


def test_the_policy_is_of_the_pods_of_both_tracks_and_not_of_the_test() -> None:
    rendered = render_scenario("gateway")
    selector = rendered.one("NetworkPolicy")["spec"]["podSelector"]["matchLabels"].items()
    for found in rendered.of_kind("Deployment"):
        assert selector <= found["spec"]["template"]["metadata"]["labels"].items()
    assert not selector <= rendered.one("Pod")["metadata"]["labels"].items()


def test_ports_of_the_policy_are_those_of_the_pods() -> None:
    pod = render_scenario("monitoring").pod()
    named = {port["name"] for each in (*pod["initContainers"], *pod["containers"]) for port in each.get("ports", [])}
    assert named == {"http", "grpc", "metrics", "edge-metrics", "health"}


def _rows(rules: list[dict[str, Any]], side: str) -> set[_Row]:
    for rule in rules:
        assert rule.get(side), "a rule without peers allows everybody"
        assert rule.get("ports"), "a rule without ports allows all of them"
    return {
        (_peer(peer), port["protocol"], port["port"]) for rule in rules for peer in rule[side] for port in rule["ports"]
    }


def _peer(peer: dict[str, Any]) -> str:
    [(kind, value)] = peer.items()
    if kind == "ipBlock":
        return f"cidr {value['cidr']}"
    labels = ",".join(f"{key}={each}" for key, each in sorted(value["matchLabels"].items()))
    return f"{kind.removesuffix('Selector')}s {labels}"
