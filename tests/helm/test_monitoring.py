"""What Prometheus is told to scrape, and by which labels it tells pods, tracks and releases apart."""

import pytest

from helm.chart import render_scenario

_SCENARIOS = {"monitoring": ("ServiceMonitor", "endpoints"), "pod-monitor": ("PodMonitor", "podMetricsEndpoints")}


@pytest.mark.parametrize("scenario", _SCENARIOS)
def test_triton_and_the_edge_are_scraped_with_the_pods_track_and_release(scenario: str) -> None:
    kind, field = _SCENARIOS[scenario]
    rendered = render_scenario(scenario)
    endpoints = rendered.one(kind)["spec"][field]
    assert [each["port"] for each in endpoints] == ["metrics", "edge-metrics"]
    for endpoint in endpoints:
        targets = {each["targetLabel"]: each["sourceLabels"] for each in endpoint["relabelings"]}
        assert targets == {label: [f"__meta_kubernetes_pod_label_triptych_{label}"] for label in ("track", "release")}
        assert endpoint["metricRelabelings"] == [{"action": "labeldrop", "regex": "exported_release"}]
        assert set(endpoint) == {"port", "interval", "scrapeTimeout", "relabelings", "metricRelabelings"}
    labels = rendered.one("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert {"triptych/track", "triptych/release"} <= set(labels)


def test_the_service_of_metrics_has_both_ports_of_the_pods() -> None:
    rendered = render_scenario("monitoring")
    [service] = [each for each in rendered.of_kind("Service") if each["metadata"]["name"].endswith("-metrics")]
    pod = rendered.pod()
    declared = {
        port["name"]: port["containerPort"]
        for each in (*pod["initContainers"], *pod["containers"])
        for port in each.get("ports", [])
    }
    assert {port["targetPort"]: port["port"] for port in service["spec"]["ports"]} == {
        name: declared[name] for name in ("metrics", "edge-metrics")
    }
