"""Each template: nothing where it is disabled, and what it is where it is not."""

from collections.abc import Mapping
from typing import Any

import pytest

from helm.chart import CANDIDATE, CHART, MINIMAL, Rendered, render, render_scenario

_OPTIONAL: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any], str]] = {
    "service-metrics.yaml": ({"monitoring": {"monitor": "pod"}}, {"monitoring": {"monitor": "service"}}, "Service"),
    "servicemonitor.yaml": (
        {"monitoring": {"monitor": "pod"}},
        {"monitoring": {"monitor": "service"}},
        "ServiceMonitor",
    ),
    "podmonitor.yaml": ({"monitoring": {"monitor": "service"}}, {"monitoring": {"monitor": "pod"}}, "PodMonitor"),
    "prometheusrule.yaml": ({}, {"monitoring": {"rules": {"enabled": True}}}, "PrometheusRule"),
    "dashboards.yaml": ({}, {"monitoring": {"dashboards": {"enabled": True}}}, "ConfigMap"),
    "httproute.yaml": ({}, {"routes": {"enabled": True, "parentRefs": [{"name": "edge"}]}}, "HTTPRoute"),
    "grpcroute.yaml": ({}, {"routes": {"enabled": True, "parentRefs": [{"name": "edge"}]}}, "GRPCRoute"),
    "ingress.yaml": ({}, {"ingress": {"enabled": True}}, "Ingress"),
    "hpa.yaml": ({}, {"autoscaling": {"type": "hpa"}}, "HorizontalPodAutoscaler"),
    "scaledobject.yaml": (
        {"autoscaling": {"type": "hpa"}},
        {"autoscaling": {"type": "keda", "keda": {"triggers": [{"type": "cpu"}]}}},
        "ScaledObject",
    ),
    "poddisruptionbudget.yaml": ({"podDisruptionBudget": {"enabled": False}}, {}, "PodDisruptionBudget"),
    "networkpolicy.yaml": ({"networkPolicy": {"enabled": False}}, {}, "NetworkPolicy"),
    "serviceaccount.yaml": ({"serviceAccount": {"create": False}}, {}, "ServiceAccount"),
    "role-rollout.yaml": ({}, {"rollout": {"enabled": True}}, "Role"),
    "rolebinding-rollout.yaml": ({}, {"rollout": {"enabled": True}}, "RoleBinding"),
    "serviceaccount-rollout.yaml": (
        {"serviceAccount": {"create": False}},
        {"serviceAccount": {"create": False}, "rollout": {"enabled": True}},
        "ServiceAccount",
    ),
    "job-loadtest-master.yaml": ({}, {"loadTest": {"enabled": True}}, "Job"),
    "job-loadtest-worker.yaml": ({}, {"loadTest": {"enabled": True}}, "Job"),
    "service-loadtest.yaml": ({}, {"loadTest": {"enabled": True}}, "Service"),
    "extra-objects.yaml": ({}, {"extraObjects": [{"apiVersion": "v1", "kind": "LimitRange"}]}, "LimitRange"),
    "tests/pictures.yaml": ({"tests": {"enabled": False}}, {}, "ConfigMap"),
    "tests/classify.yaml": ({"tests": {"enabled": False}}, {}, "Pod"),
}
"""Template -> values that disable it, values that enable it, its kind."""

_ALWAYS = {"deployment.yaml", "service.yaml", "service-grpc.yaml", "service-track.yaml"}


@pytest.fixture(scope="module")
def routed() -> Rendered:
    return render_scenario("gateway")


def test_every_template_is_in_the_table() -> None:
    folder = CHART / "templates"
    found = {str(path.relative_to(folder)) for path in folder.rglob("*.yaml")}
    assert found == set(_OPTIONAL) | _ALWAYS


@pytest.mark.parametrize("template", _OPTIONAL)
def test_a_disabled_template_renders_nothing_and_an_enabled_one_its_kind(template: str) -> None:
    disabled, enabled, kind = _OPTIONAL[template]
    without, having = render(disabled), render(enabled)
    names = {name["metadata"]["name"] for name in having.of_kind(kind) if "metadata" in name}
    added = names - {name["metadata"]["name"] for name in without.of_kind(kind)}
    assert added or (names == set() and len(having.of_kind(kind)) == 1)
    if kind not in ("Service", "ConfigMap"):
        assert without.of_kind(kind) == []


def test_minimal_values_make_one_track_and_no_custom_resource() -> None:
    rendered = render()
    assert [found["metadata"]["name"] for found in rendered.of_kind("Deployment")] == ["test-triptych-stable"]
    assert {found["apiVersion"] for found in rendered.objects} == {"v1", "apps/v1", "policy/v1", "networking.k8s.io/v1"}


def test_each_track_is_bound_to_its_release() -> None:
    rendered = render({"tracks": {"candidate": CANDIDATE}})
    expected = {"stable": MINIMAL["tracks"]["stable"]["release"], "candidate": CANDIDATE["release"]}
    for track, release in expected.items():
        template = rendered.one("Deployment", f"test-triptych-{track}")["spec"]["template"]
        assert template["metadata"]["labels"]["triptych/release"] == str(release["number"])
        arguments = rendered.container("pull", track)["args"]
        assert arguments[:4] == ["release", "pull", str(release["number"]), "/release"]
        assert f"--manifest-sha256={release['manifestSha256']}" in arguments


def test_a_change_of_the_release_alone_replaces_the_pods_and_keeps_their_selector() -> None:
    first, second = render(), render(tracks__stable__release__number=2)
    specs = [each.one("Deployment")["spec"] for each in (first, second)]
    assert specs[0]["selector"] == specs[1]["selector"]
    assert specs[0]["template"] != specs[1]["template"]


def test_a_new_version_of_the_chart_replaces_no_pod() -> None:
    template = render().one("Deployment")["spec"]["template"]
    assert not any("chart" in label for label in template["metadata"]["labels"])


def test_services_select_both_tracks_where_the_ratio_of_pods_divides_and_stable_alone_behind_routes() -> None:
    both = render({"tracks": {"candidate": CANDIDATE}})
    routed = render({"tracks": {"candidate": CANDIDATE}}, routes__enabled=True, routes__parentRefs=[{"name": "edge"}])
    for name in ("test-triptych", "test-triptych-grpc"):
        assert "triptych/track" not in both.one("Service", name)["spec"]["selector"]
        assert routed.one("Service", name)["spec"]["selector"]["triptych/track"] == "stable"


def test_the_service_for_grpc_is_headless_and_names_the_pods_own_port() -> None:
    rendered = render()
    spec = rendered.one("Service", "test-triptych-grpc")["spec"]
    assert spec["clusterIP"] == "None"
    [port] = spec["ports"]
    assert {"name": "grpc", "containerPort": port["port"]} in rendered.container("edge")["ports"]


def test_routes_divide_by_weight_between_the_tracks(routed: Rendered) -> None:
    for kind, port in (("HTTPRoute", 80), ("GRPCRoute", 8081)):
        [rule] = routed.one(kind)["spec"]["rules"]
        assert rule["backendRefs"] == [
            {"name": "test-triptych-stable", "port": port, "weight": 95},
            {"name": "test-triptych-candidate", "port": port, "weight": 5},
        ]


def test_backends_of_grpc_routes_say_h2c_and_https_with_tls() -> None:
    plain = render().one("Service", "test-triptych-stable")["spec"]["ports"]
    assert [port["appProtocol"] for port in plain] == ["http", "kubernetes.io/h2c"]
    secure = render_scenario("edge").one("Service", "test-triptych-stable")["spec"]["ports"]
    assert [port["appProtocol"] for port in secure] == ["https", "https"]


@pytest.mark.parametrize("kind", ["hpa", "keda"])
def test_what_is_scaled_has_no_replicas_and_the_candidate_keeps_its_own(kind: str) -> None:
    scaled = {
        "autoscaling": {"type": kind, "keda": {"triggers": [{"type": "cpu"}]}},
        "tracks": {"candidate": CANDIDATE},
    }
    rendered = render(scaled)
    assert "replicas" not in rendered.one("Deployment", "test-triptych-stable")["spec"]
    assert rendered.one("Deployment", "test-triptych-candidate")["spec"]["replicas"] == 1
    assert len(rendered.of_kind("HorizontalPodAutoscaler")) + len(rendered.of_kind("ScaledObject")) == 1


def test_extra_objects_are_templates_as_maps_and_as_texts() -> None:
    text = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ include "triptych.fullname" . }}-text\n'
    assert render(extraObjects=[text]).one("ConfigMap", "test-triptych-text")
    assert render_scenario("restricted").one("ConfigMap", "classifier-notes")


def test_labels_and_annotations_of_all_are_on_all() -> None:
    rendered = render(
        {"tracks": {"candidate": CANDIDATE}, "commonLabels": {"team": "vision"}, "commonAnnotations": {"owner": "us"}},
        routes__enabled=True,
        routes__parentRefs=[{"name": "edge"}],
        rollout__enabled=True,
    )
    for found in rendered.objects:
        assert found["metadata"]["labels"]["team"] == "vision", found["kind"]
        assert found["metadata"]["annotations"]["owner"] == "us", found["kind"]
