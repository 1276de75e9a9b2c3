from collections.abc import Mapping
from typing import Any

import pytest

from loadtests.benchmark.bars import BARS, judge
from loadtests.benchmark.scenarios import CONTESTANTS, FP32, INT8, LIMIT, LIMIT_OPENVINO

from .conftest import MakeResults


def missed(make_results: MakeResults, changes: Mapping[str, Any]) -> set[str]:
    return {verdict.bar.what for verdict in judge(make_results(**changes)) if verdict.passed is False}


def test_a_good_run_passes_every_bar(make_results: MakeResults) -> None:
    assert [verdict.passed for verdict in judge(make_results())] == [True] * len(BARS)


@pytest.mark.parametrize(
    ("what", "changes", "just_good"),
    [
        ("of the higher in-process limit", {"per_s": {(FP32, "16"): 151.0}}, {"per_s": {(FP32, "16"): 152.1}}),
        (
            "of the higher in-process limit",
            {"per_s": {(LIMIT_OPENVINO, "16"): 164.0}},
            {"per_s": {(LIMIT_OPENVINO, "16"): 163.0}},
        ),
        ("of the best peer", {"per_s": {("litserve", "16"): 155.0}}, {"per_s": {("litserve", "16"): 154.9}}),
        ("64 connections, of its own peak", {"per_s": {(FP32, "64"): 147.0}}, {"per_s": {(FP32, "64"): 147.5}}),
        ("256 connections, of its own peak", {"per_s": {(FP32, "256"): 147.0}}, {"per_s": {(FP32, "256"): 147.5}}),
        (
            "p99 at 16 connections",
            {"latencies_s": {(FP32, "16"): (0.1,) * 98 + (0.16,) * 2}},
            {"latencies_s": {(FP32, "16"): (0.1,) * 98 + (0.149,) * 2}},
        ),
        (
            "p50 at 1 connection, beyond",
            {"latencies_s": {(FP32, "1"): (0.0116,)}},
            {"latencies_s": {(FP32, "1"): (0.0114,)}},
        ),
        ("int8", {"per_s": {(INT8, "16"): 247.0}}, {"per_s": {(INT8, "16"): 248.1}}),
        (
            "12-megapixel",
            {"latencies_s": {(FP32, "12 MP"): (0.0401,)}},
            {"latencies_s": {(FP32, "12 MP"): (0.0399,)}},
        ),
        ("start to first true answer", {"starts_s": (1.0, 5.1)}, {"starts_s": (5.0, 1.0)}),
        ("memory", {"memory_bytes": 1_210_000_000}, {"memory_bytes": 1_200_000_000}),
        ("errors", {"errors": {(INT8, "4"): {"status 500": 1}}}, {"errors": {("flask", "4"): {"status 500": 1}}}),
        ("load generator", {"generator_s": 0.0151}, {"generator_s": 0.0149}),
        ("idle", {"others_cpu_share": 0.031}, {"others_cpu_share": 0.029}),
    ],
)
def test_each_bar_can_be_missed(
    make_results: MakeResults, what: str, changes: Mapping[str, Any], just_good: Mapping[str, Any]
) -> None:
    (name,) = missed(make_results, changes)
    assert what in name
    assert missed(make_results, just_good) == set()


def test_what_was_not_measured_is_neither_passed_nor_missed(make_results: MakeResults) -> None:
    verdicts = judge(make_results(leave_out=tuple(name for name in CONTESTANTS if name != LIMIT)))
    unknown = [verdict for verdict in verdicts if verdict.passed is None]
    assert len(unknown) == len(BARS) - 2  # errors, and what the idle take
    assert all(verdict.figure is None for verdict in unknown)
