"""The gates before any traffic, on what needs no server; those of a real one are in tests/server."""

import pytest

from ops.rollout.clusters import NEW, Clock, PlainCluster
from triptych_ops.rollout.course import GateResult, course_of
from triptych_ops.rollout.gates import gates_of
from triptych_ops.rollout.gates.warm_up import SETTLED, settled
from triptych_ops.rollout.operations import begin, under_way
from triptych_ops.rollout.plan import load_plan
from triptych_ops.rollout.state import Act, Rollout


def rollout(cluster: PlainCluster) -> Rollout:
    plan = load_plan("")
    world = cluster.observe()
    return under_way(
        begin(cluster.record, world, release=NEW, plan="", course=course_of(plan), by="ada", at=Clock().now)
    )


def asked(plan: str, *urls: str | None) -> tuple[GateResult, ...]:
    cluster = PlainCluster()
    return gates_of(load_plan(plan), lambda: urls)(rollout(cluster), cluster.observe())


def test_a_pod_without_an_address_is_waited_for() -> None:
    [found] = asked("", None)
    assert (found.act, found.why) == (Act.HOLD, "0 of 1 pods have an address")
    [found] = asked("")
    assert found.act is Act.HOLD


def test_a_pod_that_nobody_reaches_is_waited_for_and_no_gate_comes_after() -> None:
    [found] = asked("images_per_second: 10", "grpc://127.0.0.1:9")
    assert (found.name, found.act) == ("answers", Act.HOLD)


def test_a_plan_without_gates_asks_nobody() -> None:
    assert asked("gates: []", None) == ()


@pytest.mark.parametrize(
    ("took_ms", "is_settled"),
    [
        ([900] * 6 + [50] * 14, False),
        ([900] * 6 + [50] * 24, True),
        ([100] * 10 + [50] * 10, False),
        ([SETTLED * 50 - 1] * 10 + [50] * 10, True),
        ([50] * 10 + [100] * 10, True),  # slower is another's load, not warmth
        ([50] * 19, False),
    ],
)
def test_a_pod_is_warm_once_answers_take_no_longer_than_those_before(took_ms: list[float], is_settled: bool) -> None:
    assert settled([each / 1000 for each in took_ms]) is is_settled
