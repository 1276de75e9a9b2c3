"""What is left of an error budget, asked of a Prometheus by its HTTP API."""

import json
from dataclasses import dataclass

from triptych_ops.errors import MissingError, UsageError

from .prometheus import instant
from .slo import OBJECTIVES
from .slo_rules import BUDGET_REMAINING


@dataclass(frozen=True, slots=True)
class Budget:
    """Share of an objective's error budget that is left: 1 untouched, 0 or less spent."""

    objective: str
    remaining: float


def error_budget(
    prometheus: str, objective: str = "members-availability", *, namespace: str = "", timeout_s: float = 10.0
) -> Budget:
    """The budget of an objective of `OBJECTIVES`; the smallest, where several namespaces have one.

    prometheus: its address, such as http://prometheus.monitoring.svc:9090
    namespace:  of the servers; "" for any

    Raises:
        UsageError: there is no such objective, or the address is none
        MissingError: Prometheus has no such figure: rules that are not loaded, or no request yet
        OpsError: Prometheus did not answer
    """
    if objective not in {known.name for known in OBJECTIVES}:
        raise UsageError(f"no objective {objective!r}: use one of {', '.join(known.name for known in OBJECTIVES)}")
    marks = f'sloth_slo="{objective}"' + (f",namespace={json.dumps(namespace)}" if namespace else "")
    found = instant(prometheus, f"min({BUDGET_REMAINING}{{{marks}}})", timeout_s=timeout_s)
    if not found:
        raise MissingError(
            f"Prometheus at {prometheus} has no error budget of {objective}: load the rules, send requests"
        )
    return Budget(objective, found[0][1])
