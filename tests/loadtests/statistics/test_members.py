"""Two readings of a member's counters, and what they say of the time between."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from loadtests.profiles import Arrivals, Profile, Stage
from loadtests.statistics import Counters, Watch, between, by_stage, readings

TRITON = {
    "inference_count": "6",
    "execution_count": "3",
    "inference_stats": {
        "success": {"count": "6", "ns": "9"},
        "fail": {},
        "queue": {"count": "6", "ns": "600000000"},
        "compute_input": {"count": "6", "ns": "6000000"},
        "compute_infer": {"count": "6", "ns": "1200000000"},
        "compute_output": {"count": "6"},
    },
    "batch_stats": [
        {"batch_size": "1", "compute_infer": {"count": "1", "ns": "200000000"}},
        {"batch_size": "2", "compute_infer": {"count": "2", "ns": "400000000"}, "compute_input": {"ns": "100000000"}},
    ],
}
ONE = Counters.of_triton(TRITON, instances=2)


def test_the_counters_are_those_of_triton() -> None:
    assert (ONE.requests, ONE.failed, ONE.images, ONE.runs) == (6, 0, 6, 3)
    assert (ONE.queue_s, ONE.input_s, ONE.infer_s, ONE.output_s) == pytest.approx((0.6, 0.006, 1.2, 0.0))
    assert ONE.busy_s == pytest.approx(0.7)
    assert Counters.sum([ONE, ONE]).instances == 4


def test_a_time_between() -> None:
    later = Counters.sum([ONE, ONE, ONE])
    later = replace(later, instances=2)
    (member,) = between({"classifier": asdict(ONE)}, {"classifier": asdict(later)}, seconds=1.0)
    assert (member.requests, member.batch, member.instances) == (12, 2.0, 2)
    assert (member.queue_s, member.infer_s, member.busy_share) == pytest.approx((0.1, 0.2, 0.7))


@pytest.mark.parametrize(
    "later",
    [replace(ONE, requests=5), replace(ONE, instances=3)],
    ids=["a counter went backwards", "other instances"],
)
def test_another_server_is_no_comparison(later: Counters) -> None:
    assert between({"classifier": asdict(ONE)}, {"classifier": asdict(later)}, seconds=1.0) == []


def test_each_stage_has_its_own(tmp_path: Path) -> None:
    """Ten requests in the first two seconds, forty in the next two."""
    stages = tuple(Stage(name=name, seconds=2, load=Arrivals(1)) for name in ("calm", "rush", "short"))
    told = iter([0, 5, 10, 30, 50, 50])
    watch = Watch(tmp_path, lambda: {"classifier": asdict(replace(ONE, requests=next(told)))})
    for at_s in (0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 4.2, 5.1):
        watch.look(at_s)
    found = by_stage(Profile(name="of tests", summary="", stages=stages), readings(tmp_path))
    assert {name: members[0].requests for name, members in found.items()} == {"calm": 10, "rush": 40}


def test_a_server_that_does_not_tell_is_asked_once(tmp_path: Path) -> None:
    asked = list[int]()
    watch = Watch(tmp_path, lambda: asked.append(1) or {})  # type: ignore[func-returns-value]
    watch.look(0.0)
    watch.look(2.0)
    assert (asked, readings(tmp_path)) == ([1], [])


def test_half_a_line_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "statistics.jsonl").write_text(json.dumps({"at_s": 1.0, "members": {}}) + '\n{"at_s": 2')
    assert [each.at_s for each in readings(tmp_path)] == [1.0]
