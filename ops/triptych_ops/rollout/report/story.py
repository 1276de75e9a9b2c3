"""What a record says of a rollout, in the order of its telling. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ..metrics import Kind, MetricRule
from ..plan import Plan, load_plan
from ..state import Act, Decision, Phase, Rollout

_BACK = (Act.ABORT, Act.EXPIRE)


@dataclass(frozen=True, slots=True)
class Point:
    """From this second on, this percentage of the requests was meant for the new release."""

    at_s: float
    percent: int


@dataclass(frozen=True, slots=True)
class Row:
    """What one metric said when a step was decided. The interval is of how much worse the candidate was."""

    step: str
    at_s: float
    decision: str
    why: str
    samples: int
    stable_samples: int
    estimate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric over the steps.

    tolerance: beyond it the candidate goes back, once that is shown; limit: below it it goes on, once that is shown
    """

    name: str
    compared: str
    tolerance: float
    limit: float
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """A rollout, told."""

    number: int
    release: int
    over: int
    by: str
    state: str
    end: str
    why: str
    began: datetime
    lasted_s: float
    shares: tuple[Point, ...]
    metrics: tuple[Metric, ...]
    decisions: tuple[tuple[float, Decision], ...]
    """Each with its second."""
    forgotten: int
    """Decisions that the record no longer holds."""
    sticky: str | None
    plan: str

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.end != "under way"


def story_of(rollout: Rollout) -> Story:
    """The story so far."""
    plan = load_plan(rollout.plan)
    decisions = tuple(((each.at - rollout.started).total_seconds(), each) for each in rollout.decisions)
    lasted_s = decisions[-1][0] if decisions else 0.0
    if rollout.latest is not None and not rollout.ended:
        lasted_s = max(lasted_s, (rollout.latest.at - rollout.started).total_seconds())
    return Story(
        number=rollout.number,
        release=rollout.release.release,
        over=rollout.origin.stable.release,
        by=rollout.by,
        state=str(rollout.phase),
        end=_end(rollout),
        why=_why(rollout),
        began=rollout.started,
        lasted_s=lasted_s,
        shares=tuple(_shares(rollout, plan)),
        metrics=tuple(_metrics(rollout, plan)),
        decisions=decisions,
        forgotten=rollout.forgotten,
        sticky=str(plan.sticky) if plan.sticky else None,
        plan=rollout.plan.strip(),
    )


def _end(rollout: Rollout) -> str:
    if rollout.phase in (Phase.PROMOTED, Phase.UNDONE):
        return "promoted"
    if rollout.phase is not Phase.ABORTED:
        return "under way"
    return "inconclusive" if any(each.act is Act.EXPIRE for each in rollout.decisions) else "went back"


def _why(rollout: Rollout) -> str:
    """What its end follows from: the decision to go back, else the last step's; of what is under way the last look."""
    if rollout.latest is not None and not rollout.ended:
        return rollout.latest.why
    wanted = _BACK if rollout.phase is Phase.ABORTED else (Act.PASS, Act.PROMOTE, Act.UNDO)
    told = [each.why for each in rollout.decisions if each.act in wanted and each.phase is not Phase.PROMOTING]
    return told[-1] if told else str(rollout.phase)


def _shares(rollout: Rollout, plan: Plan) -> Iterator[Point]:
    """As decided: routes follow once the candidate has the pods for it."""
    weights = [step.weight_percent for step in plan.steps] if plan.strategy != "blue-green" else [100]
    if plan.strategy == "shadow":
        weights = [0 for _ in weights]
    if any(each.act is Act.UNDO for each in rollout.decisions):
        weights = [100]
    percent = 0
    yield Point(0.0, percent)
    for each in rollout.decisions:
        before = percent
        percent = _percent(each, weights, percent)
        if percent != before:
            yield Point((each.at - rollout.started).total_seconds(), percent)


def _percent(decision: Decision, weights: list[int], now: int) -> int:
    if decision.act in _BACK:
        return 0
    if decision.act is Act.UNDO:
        return 100
    if decision.act is Act.END:
        return 100 if now else 0
    if decision.act not in (Act.PASS, Act.PROMOTE):
        return now
    if decision.phase is Phase.CHECKING:
        return weights[0]
    if decision.phase is Phase.PROMOTING:
        return 100
    following = decision.step + 1
    return weights[following] if following < len(weights) else 100


def _metrics(rollout: Rollout, plan: Plan) -> Iterator[Metric]:
    for rule in plan.metrics:
        rows = tuple(_rows(rollout, plan, rule.name))
        if rows:
            tolerance, limit = (_bound(rule, each) for each in (rule.condition.tolerance, rule.condition.limit))
            yield Metric(rule.name, _compared(rule), tolerance, limit, rows)


def _bound(rule: MetricRule, value: float) -> float:
    """Latencies are compared at factors: what is beyond them is more than zero."""
    return 0.0 if rule.kind is Kind.LATENCY else value


def _compared(rule: MetricRule) -> str:
    condition = rule.condition
    match rule.kind:
        case Kind.RATIO:
            worse = "less" if rule.direction == "higher" else "more"
            return f"share that it has {worse}: back from {condition.tolerance:.1%} on, on below {condition.limit:.1%}"
        case Kind.LATENCY:
            return (
                f"share of requests slower than a multiple of the stable track's {rule.quantile:.0%} quantile, beyond "
                f"the {1 - rule.quantile:.0%} that may be: back where that is more than none at "
                f"{condition.tolerance:g} times (estimate and left end), on where less than none at "
                f"{condition.limit:g} times (right end)"
            )
        case _:
            return f"distance of distributions: back from {condition.tolerance:g} on, on below {condition.limit:g}"


def _rows(rollout: Rollout, plan: Plan, metric: str) -> Iterator[Row]:
    weights = [step.weight_percent for step in plan.steps]
    looks = [(each.at, each.step, each.evidence) for each in rollout.decisions if each.evidence]
    if rollout.latest is not None and rollout.latest.evidence:
        looks.append((rollout.latest.at, rollout.step, rollout.latest.evidence))
    for at, step, evidence in looks:
        for found in evidence:
            if found.get("metric") == metric:
                yield Row(
                    step=f"{weights[min(step, len(weights) - 1)]} %",
                    at_s=(at - rollout.started).total_seconds(),
                    decision=str(found.get("decision", "")),
                    why=str(found.get("why", "")),
                    samples=int(_number(found.get("samples")) or 0),
                    stable_samples=int(_number(found.get("stable_samples")) or 0),
                    estimate=_number(found.get("estimate")),
                    low=_number(found.get("low")),
                    high=_number(found.get("high")),
                )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
