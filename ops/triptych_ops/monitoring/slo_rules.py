"""Recording rules and burn-rate alerts of an objective, in Sloth's names."""

from typing import Any, Final

from .slo import BURN_RATES, BurnRate, Objective

SERVICE: Final = "triptych"
BUDGET_REMAINING: Final = "slo:period_error_budget_remaining:ratio"
"""Share of the period's error budget that is left, by namespace and `sloth_slo`: 1 untouched, below 0 spent."""

SHORTEST: Final = "5m"
WINDOWS: Final = (SHORTEST, "30m", "1h", "2h", "6h", "1d", "3d")

_BURN_ALERTS: Final = {"availability": "TriptychAvailabilityBurn", "latency": "TriptychLatencyBurn"}
_GRAVITY: Final = {"page": "critical", "ticket": "warning"}


def labels(objective: Objective) -> dict[str, str]:
    """Those that Sloth gives to all that belongs to an objective."""
    return {"sloth_id": f"{SERVICE}-{objective.name}", "sloth_service": SERVICE, "sloth_slo": objective.name}


def error_ratio(objective: Objective, window: str) -> str:
    """Share of bad events in a window, by namespace. Nothing where there was no event: no data is no error."""
    events = f"sum by (namespace) (rate({objective.events}[{window}]))"
    if objective.good:
        good = f"sum by (namespace) (rate({objective.good}[{window}]))"
        return f"1 - (\n  {good}\n  / ({events} > 0)\n)"
    # A counter of failures need not exist before the first one.
    failed = f"(\n  sum by (namespace) (rate({objective.failed}[{window}]))\n  or 0 * {events}\n)"
    if objective.failed_apart:
        return f"{failed}\n/ ({events} + {failed} > 0)"
    return f"{failed}\n/ ({events} > 0)"


def recording_rules(objective: Objective) -> list[dict[str, Any]]:
    """Error ratios of each window and of the period, then what is said about the budget."""
    mine = labels(objective)
    which = _selector(mine)
    period = f"{objective.period_days}d"
    ratio = f"slo:sli_error:ratio_rate{SHORTEST}{which}"
    rules = [
        _record(f"slo:sli_error:ratio_rate{window}", error_ratio(objective, window), mine | {"sloth_window": window})
        for window in WINDOWS
    ]
    over_period = f"sum_over_time({ratio}[{period}])\n/ ignoring (sloth_window)\ncount_over_time({ratio}[{period}])"
    rules.append(_record(f"slo:sli_error:ratio_rate{period}", over_period, mine | {"sloth_window": period}))
    budget = "on (sloth_id, sloth_slo, sloth_service) group_left\nslo:error_budget:ratio" + which
    info = {"sloth_mode": "generated", "sloth_objective": f"{objective.share * 100:g}", "sloth_spec": "prometheus/v1"}
    return [
        *rules,
        _record("slo:objective:ratio", f"vector({objective.share:g})", mine),
        _record("slo:error_budget:ratio", f"vector({objective.budget:g})", mine),
        _record("slo:time_period:days", f"vector({objective.period_days})", mine),
        _record("slo:current_burn_rate:ratio", f"{ratio}\n/ {budget}", mine, drop_window=True),
        _record(
            "slo:period_burn_rate:ratio", f"slo:sli_error:ratio_rate{period}{which}\n/ {budget}", mine, drop_window=True
        ),
        _record(BUDGET_REMAINING, f"1 - slo:period_burn_rate:ratio{which}", mine),
        _record("sloth_slo_info", "vector(1)", mine | info),
    ]


def burn_alerts(objective: Objective, *, runbooks: str) -> list[dict[str, Any]]:
    """One alert a severity, of all its rows of `BURN_RATES`."""
    name = _BURN_ALERTS[objective.kind]
    return [
        {
            "alert": name,
            "expr": "\nor\n".join(_burning(objective, row) for row in BURN_RATES if row.severity == severity),
            "labels": labels(objective) | {"severity": _GRAVITY[severity], "sloth_severity": severity},
            "annotations": {
                "summary": f"{objective.name}: the error budget of {objective.period_days} days burns too fast",
                "runbook_url": f"{runbooks}/{name}.md",
            },
        }
        for severity in dict.fromkeys(row.severity for row in BURN_RATES)
    ]


def _burning(objective: Objective, row: BurnRate) -> str:
    which, bound = _selector(labels(objective)), f"{row.factor:g} * {objective.budget:g}"
    long, short = (
        f"max without (sloth_window) (slo:sli_error:ratio_rate{window}{which} > {bound})"
        for window in (row.long, row.short)
    )
    return f"(\n  {long}\n  and\n  {short}\n)"


def _record(name: str, expression: str, marks: dict[str, str], *, drop_window: bool = False) -> dict[str, Any]:
    # An empty label is no label: what is about the whole period has no window.
    return {"record": name, "expr": expression, "labels": marks | ({"sloth_window": ""} if drop_window else {})}


def _selector(marks: dict[str, str]) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in marks.items()) + "}"
