"""Asks a Prometheus for evidence over its HTTP API. Whatever is wrong with an answer, it is no data, and never a pass.

https://prometheus.io/docs/prometheus/latest/querying/api/
"""

import json
import math
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from string import Template
from typing import Any, Final

from triptych_ops.errors import reason

from .evidence import Buckets, Classes, Counts, Measured, NoData, Pair
from .metrics import Kind, MetricRule

TIMEOUT_S: Final = 10.0
_MOST_BYTES: Final = 16 * 1024 * 1024
_CLOCKS_S: Final = 60.0
"""What two machines' clocks may differ by."""


class _UnusableError(Exception):
    """The answer is no evidence."""


@dataclass(frozen=True, slots=True)
class Window:
    """When a track is measured.

    end_s: Unix time
    values: of the placeholders in queries, but for `$window`
    """

    end_s: float
    length_s: float
    values: Mapping[str, str]


class Prometheus:
    """One that can be asked at an address.

    stale_s: how old the newest measurement of a window may be at its end
    """

    def __init__(self, url: str, *, stale_s: float, timeout_s: float = TIMEOUT_S) -> None:
        self._url = url.rstrip("/")
        self._stale_s = stale_s
        self._timeout_s = timeout_s

    def pair(self, rule: MetricRule, *, candidate: Window, stable: Window) -> Pair:
        """Both tracks. It never raises: what could not be measured says why."""
        return Pair(self.measured(rule, candidate), self.measured(rule, stable))

    def measured(self, rule: MetricRule, window: Window) -> Measured:
        """One track."""
        try:
            return self._measured(rule, window)
        except _UnusableError as error:
            return NoData(str(error))

    def _measured(self, rule: MetricRule, window: Window) -> Measured:
        if rule.kind is Kind.RATIO:
            return self._ratio(rule, window)
        label = "class" if rule.kind is Kind.CLASSES else "le"
        found = self._ask(rule.query, window)
        values: dict[str, float] = {}
        for labels, value in found:
            if set(labels) != {label} or labels[label] in values:
                raise _UnusableError(f"its series have the labels {sorted(labels)}, not {label} alone and once each")
            values[labels[label]] = value
        return Classes(values) if rule.kind is Kind.CLASSES else _buckets(values)

    def _ratio(self, rule: MetricRule, window: Window) -> Counts:
        bad, of = (self._number(query, window) for query in (rule.query, rule.of or rule.query))
        if bad > of * (1 + 1e-6):
            raise _UnusableError(f"{bad:g} of {of:g} is more than all")
        return Counts(bad, of)

    def _number(self, query: str, window: Window) -> float:
        found = self._ask(query, window)
        if len(found) != 1:
            raise _UnusableError(f"{len(found)} series where one number was asked for")
        return found[0][1]

    def _ask(self, query: str, window: Window) -> list[tuple[dict[str, str], float]]:
        """The series, in a window in which the last `stale_s` have some, too."""
        if window.length_s > self._stale_s:
            self._series(query, window, self._stale_s)
        return self._series(query, window, window.length_s)

    def _series(self, query: str, window: Window, length_s: float) -> list[tuple[dict[str, str], float]]:
        values = {**window.values, "window": f"{max(1, round(length_s))}s"}
        asked = {"query": Template(query).safe_substitute(values), "time": f"{window.end_s:.3f}"}
        data = self._data(asked)
        if data.get("resultType") != "vector" or not isinstance(data.get("result"), list):
            raise _UnusableError(f"the result is a {data.get('resultType')}, not a vector")
        if not data["result"]:
            raise _UnusableError(f"no series in the last {values['window']}")
        return [self._sample(each, window) for each in data["result"]]

    def _data(self, asked: dict[str, str]) -> dict[str, Any]:
        address = f"{self._url}/api/v1/query?{urllib.parse.urlencode(asked)}"
        try:
            with urllib.request.urlopen(address, timeout=self._timeout_s) as answer:  # noqa: S310  plans name http alone
                body = answer.read(_MOST_BYTES + 1)
            if len(body) > _MOST_BYTES:
                raise _UnusableError(f"the answer has more than {_MOST_BYTES} bytes")
            document = json.loads(body)
        except (OSError, HTTPException) as error:  # HTTPError and timeouts are OSErrors
            raise _UnusableError(f"{self._url} does not answer: {reason(error)}") from error
        except ValueError as error:
            raise _UnusableError(f"{self._url} answers no JSON: {error}") from error
        if not isinstance(document, dict) or document.get("status") != "success":
            told = document.get("error") if isinstance(document, dict) else None
            raise _UnusableError(f"{self._url} answers no success: {told}")
        # Prometheus before version 3 puts remarks on a query's form among the warnings.
        if serious := [each for each in document.get("warnings") or () if not str(each).startswith("PromQL info:")]:
            raise _UnusableError(f"the answer is partial: {serious[0]}")
        data = document.get("data")
        if not isinstance(data, dict):
            raise _UnusableError("the answer has no data")
        return data

    def _sample(self, series: Any, window: Window) -> tuple[dict[str, str], float]:
        try:
            labels, (at_s, text) = dict(series["metric"]), series["value"]
            value, at_s = float(text), float(at_s)
        except (TypeError, KeyError, ValueError) as error:
            raise _UnusableError(f"a series is no labels and value: {str(series)[:80]}") from error
        if not isinstance(text, str) or not math.isfinite(value) or value < 0:
            raise _UnusableError(f"a value is {text!r}, no count")
        if abs(at_s - window.end_s) > _CLOCKS_S:
            raise _UnusableError(f"the value is {window.end_s - at_s:.0f} s old")
        return labels, value


def _buckets(cumulated: Mapping[str, float]) -> Buckets:
    try:
        ordered = sorted((float(bound), value) for bound, value in cumulated.items())
    except ValueError as error:
        raise _UnusableError(f"a bucket's bound is no number: {error}") from error
    if len(ordered) < 2 or not math.isinf(ordered[-1][0]):
        raise _UnusableError("the histogram has no last bucket, +Inf")
    counts, below = [], 0.0
    for bound, value in ordered:
        # Prometheus extrapolates each bucket by itself, so that one may be a hair below the one before it.
        if value < below * (1 - 1e-3) - 1:
            raise _UnusableError(f"the histogram falls at {bound:g}")
        counts.append(max(0.0, value - below))
        below = max(below, value)
    return Buckets(tuple(bound for bound, _ in ordered), tuple(counts))
