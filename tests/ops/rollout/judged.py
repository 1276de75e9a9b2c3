"""Whole rollouts of plain data, judged by what an HTTP server that speaks Prometheus' API answers."""

from collections.abc import Callable

from ops.rollout.clusters import NEW, Clock, PlainCluster, Told
from ops.rollout.measured import Answer, measured, served, vector
from triptych_ops.rollout.course import course_of
from triptych_ops.rollout.engine import Engine
from triptych_ops.rollout.judging import judge_of
from triptych_ops.rollout.operations import begin
from triptych_ops.rollout.plan import load_plan
from triptych_ops.rollout.state import Rollout

PLAN = """
prometheus: %s
steps: [{weight_percent: 5, least_s: 10}, {weight_percent: 50, least_s: 10}, {weight_percent: 100, least_s: 10}]
hold_s: 20
look_every_s: 10
gates: []
stale_s: 5
"""


def rolled_out(answer: Answer, *, timeout_s: float = 2.0) -> tuple[Rollout, int]:
    """The rollout at its end, and the largest share that the candidate had."""
    with served(answer) as url:
        text = PLAN % url
        plan, cluster, clock = load_plan(text), PlainCluster(), Clock()
        course = course_of(plan)
        cluster.record = begin(
            cluster.record, cluster.observe(), release=NEW, plan=text, course=course, by="me", at=clock()
        )
        engine = Engine(
            cluster,
            course,
            judge=judge_of(plan, namespace="shop", timeout_s=timeout_s, now=clock),
            gates=lambda _rollout, _world: (),
            announce=Told(),
            may_drive=lambda: True,
            now=clock,
            sleep=clock.sleep,
        )
        ended = engine.run()
    return ended, max(weight or 0 for weights in cluster.weights for weight in weights)


def bad(change: Callable[[str, list[dict[str, object]]], None]) -> Answer:
    """A Prometheus that says this of the candidate."""

    def answer(query: str, at: float) -> tuple[int, bytes]:
        series = measured(query, at)
        if "candidate" in query:
            change(query, series)
        return 200, vector(series)

    return answer


def exchanged_labels(query: str, series: list[dict[str, object]]) -> None:
    if "by (class)" in query:
        names = [each["metric"] for each in series]
        for each, name in zip(series, [*names[1:], names[0]], strict=True):
            each["metric"] = name


def failing(query: str, series: list[dict[str, object]]) -> None:
    if "grpc_status" in query:
        series[0]["value"][1] = "70"  # type: ignore[index]
