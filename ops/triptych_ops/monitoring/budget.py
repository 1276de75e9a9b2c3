"""What is left of an error budget, asked of a Prometheus by its HTTP API."""

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass

from triptych_ops.errors import MissingError, OpsError, UsageError

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
    if urllib.parse.urlsplit(prometheus).scheme not in {"http", "https"}:
        raise UsageError(f"Prometheus' address {prometheus!r} does not begin with http:// or https://")
    marks = f'sloth_slo="{objective}"' + (f",namespace={json.dumps(namespace)}" if namespace else "")
    query = urllib.parse.urlencode({"query": f"min({BUDGET_REMAINING}{{{marks}}})"})
    address = f"{prometheus.rstrip('/')}/api/v1/query?{query}"
    try:
        with urllib.request.urlopen(address, timeout=timeout_s) as answer:  # noqa: S310  checked above
            found = json.load(answer)["data"]["result"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OpsError(f"Prometheus at {prometheus} did not tell the error budget: {error}") from error
    if not found:
        raise MissingError(
            f"Prometheus at {prometheus} has no error budget of {objective}: load the rules, send requests"
        )
    return Budget(objective, float(found[0]["value"][1]))
