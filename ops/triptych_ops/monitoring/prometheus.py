"""A Prometheus, asked by its HTTP API: https://prometheus.io/docs/prometheus/latest/querying/api/"""

import json
import urllib.parse
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException

from triptych_ops.errors import OpsError, UsageError, reason


def instant(
    prometheus: str, query: str, *, at_s: float | None = None, timeout_s: float = 10.0
) -> list[tuple[Mapping[str, str], float]]:
    """Labels and value of each series that a query gives, now or at a time of Unix.

    Raises:
        UsageError: the address is none
        OpsError: Prometheus did not answer, or refused the query
    """
    if urllib.parse.urlsplit(prometheus).scheme not in {"http", "https"}:
        raise UsageError(f"Prometheus' address {prometheus!r} does not begin with http:// or https://")
    asked = {"query": query, **({} if at_s is None else {"time": f"{at_s:.3f}"})}
    address = f"{prometheus.rstrip('/')}/api/v1/query?{urllib.parse.urlencode(asked)}"
    try:
        with urllib.request.urlopen(address, timeout=timeout_s) as answer:  # noqa: S310  checked above
            found = json.load(answer)["data"]["result"]
            return [(each["metric"], float(each["value"][1])) for each in found]
    except (OSError, HTTPException) as error:
        raise OpsError(f"Prometheus at {prometheus} did not answer: {reason(error)}") from error
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise OpsError(f"what answers at {prometheus} is not a Prometheus; check the address") from error
