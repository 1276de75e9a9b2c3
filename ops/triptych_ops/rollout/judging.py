"""From a plan to who judges its steps: measures both tracks since the step began, and asks for the verdict."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

from .course import Judge, course_of
from .evidence import Evidence
from .plan import Plan
from .prometheus import TIMEOUT_S, Prometheus, Window
from .state import Act, Look, Rollout
from .verdict import Decision, Finding, judge

_LEAST_BEFORE_S: Final = 600.0
"""Of the stable track before a step that leaves it no requests."""
_WHY: Final = 400
"""Characters: each look is a decision in the record, which holds 1 MiB. The rows have all of it."""
_ACTS: Final = {Decision.PROMOTE: Act.PROMOTE, Decision.HOLD: Act.HOLD, Decision.ABORT: Act.ABORT}


def _utc() -> datetime:
    return datetime.now(UTC)


def judge_of(
    plan: Plan, *, namespace: str = "default", timeout_s: float = TIMEOUT_S, now: Callable[[], datetime] = _utc
) -> Judge:
    """Whoever judges the steps of this plan. No evidence is no pass, unless nobody measures and a step asks for none.

    namespace: of the tracks, for queries
    timeout_s: for one query
    """
    course = course_of(plan)
    url = plan.prometheus

    def unmeasured(rollout: Rollout) -> Look:
        wanted = plan.steps[min(rollout.step, len(plan.steps) - 1)].least_samples
        if wanted:
            why = f"0 of {wanted} samples: nobody counts them; name a prometheus in the plan"
            return Look(at=now(), act=Act.HOLD, why=why)
        return Look(at=now(), act=Act.PROMOTE, why="the plan asks for no evidence")

    if url is None:
        return unmeasured
    source = Prometheus(url, stale_s=plan.stale_s, timeout_s=timeout_s)

    def measured(rollout: Rollout) -> Look:
        at = now()
        verdict = judge(
            plan.metrics,
            _evidence(plan, rollout, source, at=at, namespace=namespace),
            look=rollout.looks + 1,
            steps=len(course.shares),
            least_samples=plan.steps[min(rollout.step, len(plan.steps) - 1)].least_samples,
        )
        rows = tuple(map(_row, verdict.findings))
        return Look(
            at=now(), act=_ACTS[verdict.decision], why=_cut(verdict.why), samples=verdict.samples, evidence=rows
        )

    return measured


def _evidence(plan: Plan, rollout: Rollout, source: Prometheus, *, at: datetime, namespace: str) -> Evidence:
    """Both tracks since the step began; the stable one before it where the step leaves it no requests."""
    end_s, since_s = at.timestamp(), rollout.since.timestamp()
    length_s = max(1.0, end_s - since_s)
    stable_end_s, stable_length_s = end_s, length_s
    if rollout.wanted.weight_percent == 100:
        stable_end_s, stable_length_s = since_s, max(length_s, _LEAST_BEFORE_S)

    def window(track: str, release: int, end_s: float, length_s: float) -> Window:
        return Window(end_s, length_s, {"track": track, "release": str(release), "namespace": namespace})

    candidate = window("candidate", rollout.release.release, end_s, length_s)
    stable = window("stable", rollout.origin.stable.release, stable_end_s, stable_length_s)
    return {rule.name: source.pair(rule, candidate=candidate, stable=stable) for rule in plan.metrics}


def _row(finding: Finding) -> dict[str, object]:
    return {**asdict(finding), "decision": str(finding.decision), "moved": [asdict(each) for each in finding.moved]}


def _cut(why: str) -> str:
    return why if len(why) <= _WHY else f"{why[: _WHY - 1]}…"
