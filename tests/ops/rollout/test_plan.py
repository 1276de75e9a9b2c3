"""Plans: three lines are one, and what is wrong with one is said with its line."""

from pathlib import Path

import pytest

from triptych_ops.errors import UsageError
from triptych_ops.rollout.metrics import USUAL
from triptych_ops.rollout.plan import Plan, load_plan, plan_schema

_METRIC = """
metrics:
  - name: errors
    query: sum(increase(bad{track="$track"}[$window]))
    of: sum(increase(all{track="$track"}[$window]))
"""
_CONDITION = "    condition: {tolerance: 0.01, limit: 0.04}\n"


def test_nothing_is_a_plan() -> None:
    assert load_plan("") == Plan()
    assert load_plan("prometheus: http://p:9090\nhold_s: 60").metrics == USUAL


def test_case_28_a_metric_without_a_condition_is_refused_when_read() -> None:
    with pytest.raises(UsageError, match=r"line 3: metrics\.0\.condition is missing: say how much worse") as refused:
        load_plan(_METRIC)
    print(f"case 28: without a condition: {refused.value}")
    assert load_plan(_METRIC + _CONDITION).metrics[0].condition.limit == 0.04


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("steps: [", "not YAML"),
        ("[]", "line 1: the plan is"),
        ("false", "line 1: the plan is False"),
        ("hold_s: 1\nstps: 1", "line 2: stps is 1"),
        ("steps:\n  - {weight_percent: 5}\n  - {weight_percent: 0}", r"line 3: steps\.1\.weight_percent is 0"),
        ("steps: [{weight_percent: 50}, {weight_percent: 5}]", "more than the one before"),
        ("strategy: replicas\nsteps: [{weight_percent: 100}]", "name a step of less than 100 percent"),
        ("prometheus: file:///etc/passwd", "must be an address"),
        ("metrics: []", "metrics is"),
        (_METRIC + "    condition: {tolerance: 0.04, limit: 0.04}", "limit 0.04 must be more than tolerance"),
        (_METRIC + "    condition: {tolerance: .nan, limit: 0.04}", r"tolerance is nan"),
        (_METRIC.replace("$window", "5m") + _CONDITION, r"no \$window"),
        (_METRIC.replace("$track", "x") + _CONDITION, r"neither \$track nor \$release"),
        (_METRIC.replace("$track", "$trak") + _CONDITION, r"\$trak, not one of"),
        (_METRIC.replace("of:", "quantile: 0.5 #") + _CONDITION, "a ratio needs `of`"),
        (_METRIC + _CONDITION + _METRIC.partition("metrics:\n")[2] + _CONDITION, "two metrics are called errors"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as refused:
        load_plan(text)
    assert "\n" not in str(refused.value) or "YAML" in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hold_s: 60\nprometheus: http://p:9090\nhold_s: 600", "line 3: 'hold_s' is given already in line 1"),
        (
            "steps:\n  - weight_percent: 5\n    least_s: 600\n    weight_percent: 50",
            "line 4: 'weight_percent' is given already in line 2",
        ),
        (
            _METRIC + _CONDITION + "    condition: {tolerance: 0.5, limit: 0.9}\n",
            "line 7: 'condition' is given already in line 6",
        ),
        ("steps: [{weight_percent: 5, weight_percent: 50}]", "line 1: 'weight_percent' is given already in line 1"),
    ],
)
def test_a_key_that_is_given_twice_is_refused(text: str, told: str) -> None:
    """PyYAML would take the last one without a word: here 50 percent at once, and half of all requests failing."""
    with pytest.raises(UsageError, match=told):
        load_plan(text)


def test_anchors_and_merges_are_no_repetition() -> None:
    """What a merge brings may be overridden, and an alias that leads back to itself ends."""
    text = "steps:\n  - &first {weight_percent: 5, least_s: 60}\n  - <<: *first\n    weight_percent: 50\n"
    assert [step.weight_percent for step in load_plan(text).steps] == [5, 50]
    with pytest.raises(UsageError):
        load_plan("steps: &all [*all]")


def test_the_examples_are_plans(checkout: Path) -> None:
    examples = sorted((checkout / "ops/triptych_ops/rollout/plans").glob("*.yaml"))
    assert len(examples) == 3
    for example in examples:
        assert load_plan(example.read_text(encoding="utf-8")).prometheus


def test_the_schema_has_every_field() -> None:
    assert set(plan_schema()["properties"]) == set(Plan.model_fields)
