"""What a rollout asks of a pod before any traffic, asked of the real server."""

from pathlib import Path

import pytest

from commands import Serving
from ops.rollout.clusters import NEW, Clock, PlainCluster
from triptych_ops.cli.rollout.chosen import golden_of
from triptych_ops.release import Store
from triptych_ops.rollout.course import GateResult, course_of
from triptych_ops.rollout.gates import gates_of
from triptych_ops.rollout.operations import begin, under_way
from triptych_ops.rollout.plan import load_plan
from triptych_ops.rollout.state import Act, Golden

IMPOSSIBLE_PER_S = 100_000


@pytest.fixture
def golden(store: Path) -> tuple[Golden, ...]:
    return golden_of(Store(store).release("1").manifest)


def asked(serving: Serving, golden: tuple[Golden, ...], *, release: int = 1, plan: str = "") -> tuple[GateResult, ...]:
    cluster, parsed = PlainCluster(), load_plan(plan)
    binding = NEW.model_copy(update={"release": release})
    record = begin(
        cluster.record,
        cluster.observe(),
        release=binding,
        plan=plan,
        course=course_of(parsed),
        by="ada",
        at=Clock().now,
        golden=golden,
    )
    gates = gates_of(parsed, lambda: [serving.ports.grpc_url])
    return gates(under_way(record), cluster.observe())


def test_a_pod_that_answers_as_the_release_did_passes_all(serving: Serving, golden: tuple[Golden, ...]) -> None:
    assert len(golden) == 3
    found = asked(serving, golden, plan="images_per_second: 1")
    assert [(each.name, each.act) for each in found] == [
        ("answers", Act.PASS),
        ("warm-up", Act.PASS),
        ("capacity", Act.PASS),
    ], found
    print(f"gates of a rollout: {'; '.join(f'{each.name}: {each.why}' for each in found)}")


def test_a_golden_answer_that_is_not_given_goes_back(serving: Serving, golden: tuple[Golden, ...]) -> None:
    exchanged = (*golden[:-1], golden[-1].model_copy(update={"label": golden[0].label}))
    [found] = asked(serving, exchanged)
    assert found.act is Act.ABORT
    assert f"the golden answer is {golden[0].label!r}" in found.why
    unsure = (golden[0].model_copy(update={"score": golden[0].score - 0.05}), *golden[1:])
    [found] = asked(serving, unsure)
    assert found.act is Act.ABORT


def test_another_release_goes_back(serving: Serving, golden: tuple[Golden, ...]) -> None:
    [found] = asked(serving, golden, release=2)
    assert (found.act, found.why.partition(" ")[2]) == (Act.ABORT, "serves release 1, not 2")


def test_a_pod_that_does_not_carry_what_the_plan_says_goes_back(serving: Serving, golden: tuple[Golden, ...]) -> None:
    *_, found = asked(serving, golden, plan=f"{{gates: [], images_per_second: {IMPOSSIBLE_PER_S}}}")
    assert (found.name, found.act) == ("capacity", Act.ABORT)
    assert f"not the {IMPOSSIBLE_PER_S:g} of the plan" in found.why
