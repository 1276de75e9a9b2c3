"""From evidence to a verdict. Pure.

The statistics, for a rollout of S steps judged by metrics of weights w:

    - Each metric gives an interval of how much worse the candidate is (`statistics`).
    - ABORT where the lower end lies beyond the metric's tolerance. Candidates that are equal to the stable release are
      refused with a probability of at most `REFUSED_AT_MOST` in the whole rollout: Bonferroni's correction divides it
      by steps, by metrics as their weights say, and by looks as 1/2, 1/6, 1/12, … (`statistics.spent`), so that looking
      more often refuses no more. It holds whatever depends on whatever.
    - PROMOTE where all upper ends lie below the limits, at level `PASSED_AT_MOST` for each metric and step, spent over
      looks alike. So a candidate that is worse than a limit passes a step with at most that probability.
    - How exact that is: the distance of histograms holds at all sizes. Newcombe's interval is approximate there.
      For classes the mean that is taken off is an approximation, and takes off too much of a real difference: there the
      limit is one for the estimate, not a proven bound. Entering a step again, after a pause or an outage, counts its
      looks anew. Requests are taken as independent.
    - HOLD in between, with too few samples, and wherever something could not be measured: no data is never a pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from .evidence import Buckets, Classes, Counts, Evidence, Measured, NoData, Pair
from .metrics import Kind, MetricRule
from .statistics import Moved, Span, classes, furthest, moved_most, ratio, resolves, shape, slower, spent

REFUSED_AT_MOST: Final = 0.05
PASSED_AT_MOST: Final = 0.01
_LABEL: Final = 40  # characters of a class in a sentence, of which the record keeps many


class Decision(StrEnum):
    """What a look at the evidence decides."""

    PROMOTE = "promote"
    HOLD = "hold"
    ABORT = "abort"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one metric says.

    estimate, low, high: how much worse the candidate is, and its interval; None without data
    samples: of the candidate
    moved: of classes, those whose shares differ most
    """

    metric: str
    decision: Decision
    why: str
    samples: int = 0
    stable_samples: int = 0
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    moved: tuple[Moved, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision, why in a line, and what each metric says."""

    decision: Decision
    why: str
    samples: int
    findings: tuple[Finding, ...]


def judge(rules: Sequence[MetricRule], evidence: Evidence, *, look: int, steps: int, least_samples: int) -> Verdict:
    """The verdict on a step.

    look: number of this look at the step's evidence, from 1
    steps: of the whole rollout
    least_samples: of the candidate, for every metric
    """
    weights = sum(rule.weight for rule in rules)
    findings = tuple(
        _found(
            rule,
            evidence.get(rule.name, Pair(NoData("nobody measured it"), NoData("nobody measured it"))),
            refuse=spent(REFUSED_AT_MOST * rule.weight / weights / steps, look=look),
            accept=spent(PASSED_AT_MOST, look=look),
            least=least_samples,
        )
        for rule in rules
    )
    samples = min((each.samples for each in findings), default=0)
    for decision in (Decision.ABORT, Decision.HOLD):
        if told := [f"{each.metric}: {each.why}" for each in findings if each.decision is decision]:
            return Verdict(decision, "; ".join(told), samples, findings)
    if not findings:
        return Verdict(Decision.HOLD, "the plan has no metrics", samples, findings)
    return Verdict(Decision.PROMOTE, f"{samples} samples, no metric worse than its limit", samples, findings)


def _found(rule: MetricRule, pair: Pair, *, refuse: float, accept: float, least: int) -> Finding:
    for track, measured in (("candidate", pair.candidate), ("stable", pair.stable)):
        if isinstance(measured, NoData):
            return Finding(rule.name, Decision.HOLD, f"no data of {track}: {measured.why}")
    samples, stable_samples = _samples(pair.candidate), _samples(pair.stable)

    def finding(decision: Decision, why: str, **more: Any) -> Finding:
        return Finding(rule.name, decision, why, samples=samples, stable_samples=stable_samples, **more)

    if not samples or not stable_samples:
        return finding(Decision.HOLD, f"{samples} samples of the candidate, {stable_samples} of the stable track")
    compared = _compared(rule, pair, refuse=refuse, accept=accept)
    if isinstance(compared, str):
        return finding(Decision.HOLD, compared)
    told = {
        "estimate": compared.refusing.estimate,
        "low": compared.refusing.low,
        "high": compared.accepting.high,
        "moved": compared.moved,
    }
    where = f"; {compared.where}" if compared.where else ""
    # Too few samples to go on may be enough to go back.
    if compared.refusing.low > compared.tolerance:
        worse = f"worse by {compared.refusing.estimate:.3g}, at least {compared.refusing.low:.3g}"
        return finding(Decision.ABORT, f"{worse}{where}", **told)
    if samples < least:
        return finding(Decision.HOLD, f"{samples} of {least} samples", **told)
    if compared.blind:
        return finding(Decision.HOLD, "the buckets are too wide to tell it from worse", **told)
    if compared.accepting.high >= compared.limit:
        return finding(Decision.HOLD, f"{samples} samples cannot tell it from worse{where}", **told)
    return finding(Decision.PROMOTE, "not worse", **told)


@dataclass(frozen=True, slots=True)
class _Compared:
    """Both intervals, and what they must stay below.

    where: what differs most, in words
    """

    refusing: Span
    accepting: Span
    tolerance: float
    limit: float
    blind: bool = False
    where: str = ""
    moved: tuple[Moved, ...] = ()


def _compared(rule: MetricRule, pair: Pair, *, refuse: float, accept: float) -> _Compared | str:
    """Why they cannot be compared, else how they compare."""
    condition = rule.condition
    where, moved = "", tuple[Moved, ...]()
    match rule.kind, pair.candidate, pair.stable:
        case Kind.RATIO, Counts() as ours, Counts() as theirs:
            bad, stable_bad = ours.bad, theirs.bad
            if rule.direction == "higher":
                bad, stable_bad = ours.of - ours.bad, theirs.of - theirs.bad
            spans = [ratio(bad, ours.of, stable_bad, theirs.of, level=level) for level in (refuse, accept)]
        case Kind.CLASSES, Classes() as ours, Classes() as theirs:
            spans = [classes(ours.counts, theirs.counts, level=level) for level in (refuse, accept)]
            moved = tuple(replace(each, name=_short(each.name)) for each in moved_most(ours.counts, theirs.counts))
            where = f"shares that moved most, stable to candidate: {', '.join(map(str, moved))}"
        case Kind.SHAPE, Buckets() as ours, Buckets() as theirs if ours.bounds == theirs.bounds:
            spans = [shape(ours.counts, theirs.counts, level=level) for level in (refuse, accept)]
            at = furthest(ours.bounds, ours.counts, theirs.counts)
            where = f"most at {at.name}: shares up to there {at.stable:.3g} (stable) and {at.candidate:.3g} (candidate)"
        case Kind.LATENCY, Buckets() as ours, Buckets() as theirs if ours.bounds == theirs.bounds:
            return _latency(rule, ours, theirs, refuse=refuse, accept=accept)
        case _:
            return "the tracks' data are not of the metric's kind, or their buckets differ"
    return _Compared(spans[0], spans[1], condition.tolerance, condition.limit, where=where, moved=moved)


def _latency(rule: MetricRule, ours: Buckets, theirs: Buckets, *, refuse: float, accept: float) -> _Compared | str:
    """In shares above a multiple of the stable track's quantile: what is worse is more than zero."""
    spans = [
        slower(ours.bounds, ours.counts, theirs.counts, quantile=rule.quantile, factor=factor, level=level)
        for factor, level in ((rule.condition.tolerance, refuse), (rule.condition.limit, accept))
    ]
    refusing, accepting = spans
    if refusing is None or accepting is None:
        return "the stable track's quantile lies beyond the histogram"
    factor = rule.condition.limit
    blind = not resolves(ours.bounds, theirs.counts, quantile=rule.quantile, factor=factor)
    return _Compared(refusing, accepting, 0.0, 0.0, blind)


def _short(label: str) -> str:
    return label if len(label) <= _LABEL else f"{label[: _LABEL - 1]}…"


def _samples(measured: Measured) -> int:
    return 0 if isinstance(measured, NoData) else int(measured.samples)
