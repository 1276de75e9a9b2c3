"""Whole rollouts judged by what a Prometheus answers: whatever is wrong with an answer, it promotes nothing."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from ops.rollout.judged import bad, exchanged_labels, failing, rolled_out
from ops.rollout.measured import Answer, good, measured, vector
from triptych_ops.rollout.metrics import USUAL
from triptych_ops.rollout.state import Act, Phase
from triptych_ops.runtime.edge import BOOTSTRAP, EdgeSettings, Upstream, configuration


def _value(text: str) -> Answer:
    return lambda query, at: (200, vector(measured(query, at, value=lambda _: text)))


def _document(document: object) -> Answer:
    return lambda _query, _at: (200, json.dumps(document).encode())


def _partial(query: str, at: float) -> tuple[int, bytes]:
    return 200, vector(measured(query, at))[:-1] + b', "warnings": ["a store did not answer"]}'


_WRONG: dict[str, Answer] = {
    "none": lambda _query, _at: (200, vector([])),
    "none of the candidate": lambda query, at: (200, vector([])) if "candidate" in query else good(query, at),
    "NaN": _value("NaN"),
    "+Inf": _value("+Inf"),
    "stale": lambda query, at: (200, vector(measured(query, at - 600))),
    "stopped": lambda query, at: (200, vector([])) if "[5s]" in query else good(query, at),
    "500": lambda _query, _at: (500, b"{}"),
    "timeout": lambda _query, _at: None,
    "wrong type": _document({"status": "success", "data": {"resultType": "scalar", "result": [0, "1"]}}),
    "no JSON": lambda _query, _at: (200, b"<html>"),
    "cut off": lambda query, at: (200, vector(measured(query, at))[:-20]),
    "partial": _partial,
    "an error that says 200": _document({"status": "error", "error": "query timed out"}),
    "negative": _value("-1"),
}


@pytest.mark.parametrize("name", _WRONG)
def test_case_28_wrong_answers_promote_nothing(name: str) -> None:
    ended, most_percent = rolled_out(_WRONG[name], timeout_s=0.02 if name == "timeout" else 2.0)
    passed = sum(each.act is Act.PASS and "%" in each.why for each in ended.decisions)
    print(f"case 28: {name}: {passed} steps passed, {ended.phase}")
    assert ended.phase is Phase.ABORTED
    assert passed == 0
    assert most_percent == 5
    assert "no data" in next(each.why for each in ended.decisions if each.act is Act.EXPIRE)


def test_case_28_control_right_answers_promote() -> None:
    ended, most_percent = rolled_out(good)
    assert ended.phase is Phase.PROMOTED, [each.why for each in ended.decisions]
    assert most_percent == 100


@pytest.mark.parametrize("change", [exchanged_labels, failing])
def test_case_29_bad_candidates_never_reach_50_percent(change: Callable[..., None]) -> None:
    ended, most_percent = rolled_out(bad(change))
    print(f"case 29: {change.__name__}: {ended.phase} at {most_percent} %")
    assert ended.phase is Phase.ABORTED
    assert most_percent == 5
    assert any(each.act is Act.ABORT and each.evidence for each in ended.decisions)


def test_the_edge_counts_times_finely_enough_for_the_usual_latency() -> None:
    (setting,) = configuration(EdgeSettings(), Upstream(18000, 18001), folder=Path())[BOOTSTRAP]["stats_config"][
        "histogram_bucket_settings"
    ]
    bounds = setting["buckets"]
    (latency,) = (rule for rule in USUAL if rule.name == "latency")
    assert max(above / below for below, above in pairwise(bounds)) <= latency.condition.limit
