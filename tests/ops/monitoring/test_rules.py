"""The rules under promtool: each alert silent before, firing in its time, silent after; and never for nothing."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ops.monitoring.scenarios import ALERTS, BURNING, QUIET, Scenario, Series, counter
from prometheus_tools import check_rules, try_rules
from triptych_ops.monitoring import OBJECTIVES, rule_files, signals
from triptych_ops.monitoring.alerts import ALERTS as TABLE

_BURNING = Scenario({name: rates for each in BURNING.values() for name, rates in each.items()}, {}, bad=30, after=400)
_FIRING = 'count(ALERTS{%s, alertstate="firing"}) or vector(0)'


@pytest.fixture
def rules(tmp_path: Path) -> Mapping[str, Path]:
    for name, text in rule_files(runbooks="https://example.org/runbooks").items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return {name: tmp_path / name for name in rule_files()}


def _test(series: Series, firing: list[tuple[str, int, int]], *more: tuple[str, int, list[Any]]) -> dict[str, Any]:
    """firing: a selector of alerts, a minute, how many fire then. more: an expression, a minute, its samples."""
    counts = [(_FIRING % which, minute, [{"labels": "{}", "value": count}]) for which, minute, count in firing]
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {"expr": expression, "eval_time": f"{minute}m", "exp_samples": samples}
            for expression, minute, samples in [*counts, *more]
        ],
    }


def _alerting(name: str, scenario: Scenario) -> dict[str, Any]:
    which, end = f'alertname="{name}"', scenario.before + scenario.bad
    moments = [(which, scenario.before - 1, 0), (which, end - 1, 1), (which, end + scenario.after - 1, 0)]
    return _test(scenario.series(), moments)


def _quiet(series: Series) -> dict[str, Any]:
    return _test(series, [('alertname=~".+"', minute, 0) for minute in range(5, 240, 5)])


def test_promtool_takes_every_rule(rules: Mapping[str, Path]) -> None:
    assert check_rules(*rules.values()) == ""


def test_case_43_each_alert_is_silent_then_fires_then_resets(rules: Mapping[str, Path]) -> None:
    assert set(ALERTS) == {alert.name for alert in TABLE}
    assert try_rules(rules["serving.yaml"], [_alerting(*row) for row in ALERTS.items()]) == ""
    print(f"case 43: {len(ALERTS)} of {len(TABLE)} alerts on causes silent before, firing, silent after")


def test_case_43_each_objective_pages_and_asks_then_resets(rules: Mapping[str, Path]) -> None:
    assert set(BURNING) == {objective.name for objective in OBJECTIVES}
    end = _BURNING.before + _BURNING.bad
    moments = [
        (f'sloth_slo="{name}",sloth_severity="{severity}"', minute, count)
        for name in BURNING
        for severity in ("page", "ticket")
        for minute, count in ((_BURNING.before - 1, 0), (end - 1, 1), (end + _BURNING.after - 1, 0))
    ]
    assert try_rules(rules["slo.yaml"], [_test(_BURNING.series(), moments)]) == ""
    print(
        f"case 43: {2 * len(BURNING)} burn-rate alerts of {len(BURNING)} objectives silent before, firing, silent after"
    )


@pytest.mark.parametrize("file", ["serving.yaml", "slo.yaml"])
def test_case_43_nothing_alerts_on_no_traffic_a_reset_or_a_missing_pod(rules: Mapping[str, Path], file: str) -> None:
    assert try_rules(rules[file], [_quiet(series) for series in QUIET.values()]) == ""
    print(f"case 43: {file}: no alert in {len(QUIET)} harmless histories of 4 hours")


@pytest.mark.parametrize(
    ("altered", "into", "scenario"),
    [
        # Who was never asked is no news.
        (r"\[10m\]\)\) == 0\n\s+and\n.*offset 30m\)\) > 0\.1", "[10m])) == 0", "never any traffic"),
        (r"group by \(namespace\) \(nv_inf", "group by (namespace, pod) (nv_inf", "a pod goes"),
        (
            r"rate\((nv_inference_request_success\{model=\"preprocess\"\}\[10m\])\)\) == 0",
            r"delta(\1)) < 1",
            "counters begin anew",
        ),
    ],
)
def test_a_planted_defect_is_found(rules: Mapping[str, Path], altered: str, into: str, scenario: str) -> None:
    text, changes = re.subn(altered, into, rules["serving.yaml"].read_text(encoding="utf-8"))
    assert changes
    rules["serving.yaml"].write_text(text, encoding="utf-8")
    assert "FAILED" in try_rules(rules["serving.yaml"], [_quiet(QUIET[scenario])])


def test_what_autoscaling_reads_is_a_number_for_each_pod_that_is_there(rules: Mapping[str, Path]) -> None:
    queue = signals.QUEUE_SECONDS
    none: list[Any] = []
    two, one = ([{"labels": "{}", "value": value}] for value in (2, 1))
    sane = f"{queue} >= 0 and {queue} < 1"
    tests = [
        _test(QUIET["never any traffic"], [], (f"count({queue} == 0)", 60, two)),
        _test(QUIET["counters begin anew"], [], *((f"count({sane})", minute, two) for minute in (60, 120, 121, 122))),
        _test(QUIET["a pod goes"], [], (f"count({sane})", 60, two), (f"count({sane})", 130, one)),
        *(_test(series, [], (f"{queue} != {queue}", 125, none)) for series in QUIET.values()),
    ]
    assert try_rules(rules["serving.yaml"], tests) == ""


def test_the_budget_is_untouched_then_spent(rules: Mapping[str, Path]) -> None:
    series = _BURNING.series()
    left = 'slo:period_error_budget_remaining:ratio{sloth_slo="edge-availability"}'
    one = [{"labels": "{}", "value": 1}]
    more = ((f"count({left} == 1)", 119, one), (f"count({left} < 0)", 149, one))
    assert try_rules(rules["slo.yaml"], [_test(series, [], *more)]) == ""


def test_failures_at_the_edge_count_over_either_protocol_and_refusals_do_not(rules: Mapping[str, Path]) -> None:
    answered = 'envoy_http_downstream_rq_xx{envoy_http_conn_manager_prefix="%s",envoy_response_code_class="%s",pod="a"}'
    called = 'envoy_cluster_grpc_ModelInfer{grpc_status="%s",pod="a"}'
    minutes = {
        answered % ("http", 2): 480,
        answered % ("http", 4): 12,
        answered % ("http", 5): 8,
        answered % ("grpc", 2): 500,  # whatever the calls' own status
        answered % ("metrics", 5): 900,
        **{called % status: count for status, count in ((0, 450), (3, 30), (8, 10), (14, 9), (13, 3))},
    }
    series = {name: counter((count, 60)) for name, count in minutes.items()}
    ratio = 'slo:sli_error:ratio_rate5m{sloth_slo="edge-availability"}'
    tested = _test(series, [], (f"sum(round(1000 * {ratio}))", 30, [{"labels": "{}", "value": 20}]))
    assert try_rules(rules["slo.yaml"], [tested]) == ""
