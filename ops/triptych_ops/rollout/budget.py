"""May a rollout begin? Not where little is left of the error budget: a release may take the rest of it."""

import math
from dataclasses import dataclass
from typing import Final

from triptych_ops.errors import MissingError, OpsError, RefusedError
from triptych_ops.monitoring import error_budget

from .plan import Plan

LEAST: Final = 0.1
"""Share of the error budget that must be left (Google, Site Reliability Workbook, chapter 2, error budget policy)."""


@dataclass(frozen=True, slots=True)
class Forced:
    """Who began a rollout all the same, and why; it stands in the record, the Events and the audit log."""

    by: str
    why: str


def overridden(plan: Plan, *, namespace: str, forced: Forced | None) -> str | None:
    """What was overridden by beginning a rollout by this plan, or None where nothing had to be.

    Raises:
        RefusedError: too little of the error budget is left, or nobody knows, and nobody forced it.
    """
    if plan.prometheus is None or plan.error_budget is None:
        return None
    asked = f"{plan.error_budget} at {plan.prometheus}"
    try:
        left = error_budget(plan.prometheus, plan.error_budget, namespace=namespace).remaining
    except (MissingError, OpsError) as error:
        left, asked = None, str(error)
    return require_budget(left, asked=asked, forced=forced)


def require_budget(left: float | None, *, asked: str, forced: Forced | None) -> str | None:
    """What was overridden, or None where nothing had to be.

    left:  share of the budget that is left, 1 where no request failed; below 0 where it is overspent; None: no data
    asked: what said so, for the message

    Raises:
        RefusedError: less than `LEAST` is left, or nobody knows, and nobody forced it.
    """
    if left is not None and math.isfinite(left) and left >= LEAST:
        return None
    known = left is not None and math.isfinite(left)
    told = f"{left:.1%} of the error budget is left" if known else "how much of the error budget is left is not known"
    if forced is None:
        cure = f"less than {LEAST:.0%}; wait" if known else "and no data is no pass; mend that"
        raise RefusedError(f"{told} ({asked}), {cure}, or give --force with the reason")
    return f"{told}; forced by {forced.by}: {forced.why}"
