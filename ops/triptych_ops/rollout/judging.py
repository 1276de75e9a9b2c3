"""From a plan to who judges its steps."""

from collections.abc import Callable
from datetime import UTC, datetime

from .course import Judge
from .plan import Plan
from .state import Act, Look, Rollout


def _utc() -> datetime:
    return datetime.now(UTC)


def judge_of(plan: Plan, *, now: Callable[[], datetime] = _utc) -> Judge:
    """Whoever judges the steps of this plan: no evidence is no pass, unless a step asks for no samples at all."""

    def judge(rollout: Rollout) -> Look:
        wanted = plan.steps[min(rollout.step, len(plan.steps) - 1)].least_samples
        if wanted:
            return Look(at=now(), act=Act.HOLD, why=f"0 of {wanted} samples: nobody counts them")
        return Look(at=now(), act=Act.PROMOTE, why="the plan asks for no evidence")

    return judge
