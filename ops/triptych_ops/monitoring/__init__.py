"""Service level objectives, and what follows from them: recording rules, alerts, error budget.

One table, `slo.OBJECTIVES`, is what the rules of Prometheus are generated from. The names of what is recorded and the
labels are Sloth's, so dashboards for Sloth show these objectives too.
"""

from .budget import Budget, error_budget
from .rule_files import RUNBOOKS, rule_files
from .slo import BURN_RATES, OBJECTIVES, BurnRate, Objective
from .slo_rules import BUDGET_REMAINING

__all__ = [
    "BUDGET_REMAINING",
    "BURN_RATES",
    "OBJECTIVES",
    "RUNBOOKS",
    "Budget",
    "BurnRate",
    "Objective",
    "error_budget",
    "rule_files",
]
