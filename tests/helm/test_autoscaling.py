"""What scales the stable track: the chart's own queries under promtool, over the chart's own rules."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from helm.chart import render, render_scenario
from prometheus_tools import try_rules
from triptych_ops.monitoring import rule_files, signals

_POD = 'namespace="default",track="stable",version="1"'
_KEDA: Mapping[str, Any] = {"type": "keda", "imagesPerSecond": "90", "keda": {"prometheusUrl": "http://p:9090"}}
_HPA = "HorizontalPodAutoscaler"
# In a minute: 6000 images in 600 requests, of which each waits 0.2 s before the classifier and 0.01 s elsewhere.
_BUSY = {"request_success": 600, "count": 6000, "queue_duration_us": 600 * 1e4}
_WAITING = 600 * 2e5


def _pod(name: str, phases: str = "{from}+{slope}x30", *, share: float = 1.0) -> dict[str, str]:
    series = {}
    for model in ("preprocess", "classifier", "postprocess", "image_classifier"):
        for metric, busy in _BUSY.items():
            waiting = metric == "queue_duration_us" and model == "classifier"
            slope = share * (_WAITING if waiting else busy)
            where = f'nv_inference_{metric}{{model="{model}",pod="test-triptych-stable-{name}",{_POD}}}'
            series[where] = phases.replace("{from}", "0").replace("{slope}", f"{slope:g}")
    return series


_IDLE = "{from}+0x30"
_RESET = "{from}+{slope}x14 {from}+{slope}x15"
_GONE = "{from}+{slope}x14 stale _x15"
_OTHERS = {
    series.replace("test-triptych-stable", "another-triptych-stable"): values for series, values in _pod("x").items()
} | {
    series.replace('"stable"', '"candidate"').replace("-stable-", "-candidate-"): values
    for series, values in _pod("y").items()
}

_CASES: Mapping[str, tuple[Mapping[str, str], Mapping[int, tuple[float, float | None] | None]]] = {
    "busy": (_pod("a") | _pod("b"), {10: (0.4, 200)}),
    "one of two is busy": (_pod("a") | _pod("b", _IDLE), {10: (0.2, 100)}),
    # 0 and no NaN: it is scaled down.
    "idle": (_pod("a", _IDLE) | _pod("b", _IDLE), {10: (0, 0), 25: (0, 0)}),
    "half": (_pod("a", share=0.5), {10: (0.2, 50)}),
    # A request has waited as long as before; how many there were is known again two minutes later.
    "counters begin anew": (_pod("a", _RESET), {14: (0.2, 100), 16: (0.2, None), 18: (0.2, 100)}),
    "one pod is missing": (_pod("a") | _pod("b", _GONE), {14: (0.4, 200), 25: (0.2, 100)}),
    # Nothing, not 0: the autoscaler leaves the pods as they are.
    "every pod is missing": (_pod("a", _GONE), {14: (0.2, 100), 25: None}),
    "others have load": (_pod("a", _IDLE) | _OTHERS, {10: (0, 0)}),
}


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    (tmp_path / "serving.yaml").write_text(rule_files()["serving.yaml"], encoding="utf-8")
    return tmp_path / "serving.yaml"


def _queries(autoscaling: Mapping[str, Any] = _KEDA) -> list[str]:
    triggers = render({"autoscaling": autoscaling}).one("ScaledObject")["spec"]["triggers"]
    found = {trigger["metadata"]["query"] for trigger in triggers}
    return [next(query for query in found if name in query) for name in (signals.QUEUE_SECONDS, signals.IMAGES)]


def _tests(queries: list[str], name: str) -> list[dict[str, Any]]:
    series, expected = _CASES[name]
    return [
        {
            "interval": "1m",
            "input_series": [{"series": each, "values": values} for each, values in series.items()],
            "promql_expr_test": [
                {
                    "expr": f"round({query}, 1e-6)",
                    "eval_time": f"{minute}m",
                    "exp_samples": [] if values is None else [{"labels": "{}", "value": values[i]}],
                }
                for minute, values in expected.items()
                for i, query in enumerate(queries)
                if values is None or values[i] is not None
            ],
        }
    ]


@pytest.mark.parametrize("name", _CASES)
def test_what_the_autoscaler_reads(rules: Path, name: str) -> None:
    assert try_rules(rules, _tests(_queries(), name)) == ""


@pytest.mark.parametrize(
    ("altered", "into", "name"),
    [
        (" > 0)\n        / 1e6", ")\n        / 1e6", "idle"),
        ("rate(nv_inference_queue", "deriv(nv_inference_queue", "counters begin anew"),
    ],
)
def test_a_planted_defect_of_a_rule_is_found(rules: Path, altered: str, into: str, name: str) -> None:
    text = rules.read_text(encoding="utf-8")
    assert altered in text
    rules.write_text(text.replace(altered, into), encoding="utf-8")
    assert "FAILED" in try_rules(rules, _tests(_queries(), name))


def test_a_query_that_does_not_name_its_pods_is_found(rules: Path) -> None:
    queries = [f"sum({name})" for name in (signals.QUEUE_SECONDS, signals.IMAGES)]
    assert "FAILED" in try_rules(rules, _tests(queries, "others have load"))


def test_the_hpa_reads_the_same_two_and_goes_down_slowly() -> None:
    hpa = render({"autoscaling": {"type": "hpa", "imagesPerSecond": "90"}}).one(_HPA)["spec"]
    wanted = {each["external"]["metric"]["name"]: each["external"]["target"] for each in hpa["metrics"]}
    assert wanted == {
        "triptych_queue_seconds_per_request": {"type": "AverageValue", "averageValue": "0.05"},
        "triptych_images_per_second": {"type": "AverageValue", "averageValue": "90"},
    }
    assert hpa["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 300
    keda = render({"autoscaling": _KEDA}).one("ScaledObject")["spec"]
    assert keda["advanced"]["horizontalPodAutoscalerConfig"]["behavior"] == hpa["behavior"]


def test_without_a_measured_capacity_only_waiting_counts() -> None:
    [metric] = render({"autoscaling": {"type": "hpa"}}).one(_HPA)["spec"]["metrics"]
    assert metric["external"]["metric"]["name"] == "triptych_queue_seconds_per_request"


def test_metrics_that_are_given_are_taken_instead() -> None:
    [metric] = render_scenario("hpa").one(_HPA)["spec"]["metrics"]
    assert metric["resource"]["name"] == "cpu"
