"""Every way of use in ci/, against every Kubernetes, and against what a restricted namespace admits."""

from typing import Any

import pytest

from helm import pod_security, schemas
from helm.chart import SCENARIOS, VERSIONS, RefusedError, Rendered, render, render_scenario

_FIRST = {"oci-volume": "1.33.0"}
"""Scenario -> the first version of Kubernetes that it is for, where that is not every one."""

_CUSTOM = {
    "gateway.networking.k8s.io/v1": {"HTTPRoute", "GRPCRoute"},
    "keda.sh/v1alpha1": {"ScaledObject"},
    "monitoring.coreos.com/v1": {"PodMonitor", "PrometheusRule", "ServiceMonitor"},
}


def _versions(scenario: str) -> tuple[str, ...]:
    return VERSIONS[VERSIONS.index(_FIRST.get(scenario, VERSIONS[0])) :]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_objects_are_valid_for_every_version_of_kubernetes(scenario: str) -> None:
    rendered = render_scenario(scenario)
    assert [error for version in _versions(scenario) for error in _errors(rendered, version)] == []


def test_what_the_oldest_version_gets_is_valid_for_it() -> None:
    assert _errors(render_scenario("gateway", VERSIONS[0]), VERSIONS[0]) == []


def _errors(rendered: Rendered, version: str) -> list[str]:
    found = []
    for each in rendered.objects:
        if each["apiVersion"] in schemas.BUILT_IN:
            name = f"{each['kind']}/{each['metadata']['name']}"
            found += [f"{version} {name}: {error}" for error in schemas.errors(each, version)]
        else:
            assert each["kind"] in _CUSTOM[each["apiVersion"]]
    return found


def test_the_schemas_find_a_wrong_and_an_unknown_field() -> None:
    deployment = render().one("Deployment")
    broken: dict[str, Any] = {**deployment, "spec": {**deployment["spec"], "replicas": "two", "replica": 2}}
    assert len(schemas.errors(broken, VERSIONS[0])) == 2


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_restricted_namespace_admits_every_pod(scenario: str) -> None:
    pods = list(render_scenario(scenario).pods())
    assert pods
    assert {name: pod_security.violations(pod) for name, pod in pods if pod_security.violations(pod)} == {}


_BREAKING: dict[str, dict[str, Any]] = {
    "host namespaces": {"hostPID": True},
    "volume types": {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]},
    "sysctls": {"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}},
    "windows host process": {"securityContext": {"windowsOptions": {"hostProcess": True}}},
    "SELinux": {"securityContext": {"seLinuxOptions": {"user": "u"}}},
    "user": {"securityContext": {"runAsUser": 0}},
    "privileged": {"securityContext": {"privileged": True}},
    "privilege escalation": {"securityContext": {"allowPrivilegeEscalation": True}},
    "capabilities": {"securityContext": {"capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}}},
    "non-root": {"securityContext": {"runAsNonRoot": False}},
    "seccomp": {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
    "host ports": {"ports": [{"containerPort": 1, "hostPort": 1}]},
    "proc mount": {"securityContext": {"procMount": "Unmasked"}},
    "probe hosts": {"livenessProbe": {"httpGet": {"host": "elsewhere", "port": 1}}},
    "AppArmor": {"securityContext": {"appArmorProfile": {"type": "Unconfined"}}},
}


@pytest.mark.parametrize("rule", pod_security.RULES)
def test_the_table_of_rules_finds_a_pod_that_breaks_one(rule: str) -> None:
    pod: dict[str, Any] = dict(render().pod())
    first = dict(pod["containers"][0])
    for target in (pod, first):
        for key, value in _BREAKING[rule].items():
            target[key] = {**target.get(key, {}), **value} if isinstance(value, dict) else value
    assert any(rule in found for found in pod_security.violations({**pod, "containers": [first]}))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_containers_have_a_root_that_is_read_only_and_requests_and_a_limit_of_memory(scenario: str) -> None:
    for _, pod in render_scenario(scenario).pods():
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        for each in pod_security.containers(pod):
            assert each["securityContext"]["readOnlyRootFilesystem"] is True
            assert set(each["resources"]["requests"]) >= {"cpu", "memory"}
            assert "memory" in each["resources"]["limits"]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_secret_is_in_a_manifest_and_nobody_has_a_right_to_one(scenario: str) -> None:
    rendered = render_scenario(scenario)
    assert rendered.of_kind("Secret") == []
    assert rendered.of_kind("ClusterRole") == []
    for role in rendered.of_kind("Role"):
        for rule in role["rules"]:
            assert not {"secrets", "*"} & {*rule["resources"], *rule["apiGroups"], *rule["verbs"]}


def test_rights_of_a_rollout_are_these() -> None:
    found = sorted(
        (f"{group}/{resource}", sorted(rule["verbs"]), rule.get("resourceNames"))
        for rule in render_scenario("gateway").one("Role")["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    )
    tracks, route = ["test-triptych-stable", "test-triptych-candidate"], ["test-triptych"]
    assert found == [
        ("/configmaps", ["create"], None),
        ("/configmaps", ["get", "update"], ["test-triptych-rollout"]),
        ("/events", ["create"], None),
        ("/pods", ["list"], None),
        ("apps/deployments", ["get", "patch"], tracks),
        ("coordination.k8s.io/leases", ["create"], None),
        ("coordination.k8s.io/leases", ["get", "update"], ["test-triptych-rollout"]),
        ("gateway.networking.k8s.io/grpcroutes", ["get", "patch"], route),
        ("gateway.networking.k8s.io/httproutes", ["get", "patch"], route),
    ]


def test_a_scenario_for_newer_kubernetes_is_refused_by_older() -> None:
    with pytest.raises(RefusedError, match=r"store.type image needs Kubernetes 1\.33, not v1\.32\.0; use url or claim"):
        render_scenario("oci-volume", "1.32.0")


def _container_names(rendered: Rendered) -> list[str]:
    pod = rendered.pod()
    return [each["name"] for each in (*pod["initContainers"], *pod["containers"])]


def test_what_operators_add_is_where_it_belongs() -> None:
    added = {"name": "added", "image": "added"}
    rendered = render(extraContainers=[added], extraInitContainers=[{**added, "name": "first"}])
    assert _container_names(rendered) == ["pull", "first", "health", "server", "edge", "added"]
    pod = dict(render_scenario("restricted").pods())["classifier-stable"]
    assert {"name": "TZ", "value": "UTC"} in pod["initContainers"][2]["env"]
    assert "--log-verbose=1" in pod["initContainers"][2]["args"]
    assert pod["priorityClassName"] == "high"
    assert [each["topologyKey"] for each in pod["topologySpreadConstraints"]] == ["topology.kubernetes.io/zone"]
