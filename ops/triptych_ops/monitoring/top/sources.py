"""Where counters are read: the pages of servers and edges themselves, or a Prometheus that scrapes them."""

import json
import time
import urllib.parse
import urllib.request
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from prometheus_client.parser import text_string_to_metric_families

from triptych_ops.errors import OpsError, UsageError, reason

from ..prometheus import instant
from .counters import Counters, Series, growth
from .overview import Overview, overview

_NAMES: Final = (
    *(f"nv_inference_{each}" for each in ("request_success", "request_failure", "count", "exec_count")),
    *(f"nv_inference_{each}_duration_us" for each in ("queue", "compute_infer")),
    *(f"triptych_{each}" for each in ("predictions_total", "top_score_count", "top_score_sum", "image_errors_total")),
    *(f"envoy_http_downstream_rq_{each}" for each in ("xx", "time_bucket")),
    "envoy_cluster_grpc_ModelInfer",
)


class Source(Protocol):
    """Tells what servers and edges do."""

    def overview(self) -> Overview | None:
        """What they do now; None as long as there is nothing to compare with.

        Raises:
            OpsError: nobody answers
        """


class Pages:
    """The metrics of servers and edges themselves. They know no past, so the second look is the first that tells.

    urls:     each page's, as http://HOST:8002/metrics
    window_s: how far is looked back, once that is known

    Raises:
        UsageError: a URL is none
    """

    def __init__(self, urls: Sequence[str], *, window_s: float, timeout_s: float = 5.0) -> None:
        for url in urls:
            if urllib.parse.urlsplit(url).scheme not in {"http", "https"}:
                raise UsageError(f"{url!r} does not begin with http:// or https://; write http://HOST:8002/metrics")
        self._urls = urls
        self._window_s = window_s
        self._timeout_s = timeout_s
        self._seen: deque[Counters] = deque()

    def overview(self) -> Overview | None:
        """All pages, one after the other.

        Raises:
            OpsError: one does not answer, or is no page of metrics
        """
        values: dict[Series, float] = {}
        for url in self._urls:
            values |= self._page(url)
        now = Counters(time.monotonic(), values)
        while len(self._seen) > 1 and self._seen[1].at_s <= now.at_s - self._window_s:
            self._seen.popleft()
        before = self._seen[0] if self._seen else None
        self._seen.append(now)
        return overview(growth(before, now)) if before else None

    def _page(self, url: str) -> dict[Series, float]:
        try:
            with urllib.request.urlopen(url, timeout=self._timeout_s) as answer:  # noqa: S310  checked above
                text = answer.read().decode()
            found = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
            return {
                (name, frozenset({**sample.labels, "instance": url}.items())): sample.value
                for sample in found
                if (name := _name(sample.name)) in _NAMES
            }
        except OSError as error:
            raise OpsError(f"{url} does not answer: {reason(error)}") from error
        except ValueError as error:
            raise OpsError(f"{url} is no page of metrics: {error}") from error


def _name(parsed: str) -> str:
    """As the page has it: the parser gives every counter the ending `_total`."""
    return parsed if parsed in _NAMES else parsed.removesuffix("_total")


@dataclass(frozen=True, slots=True)
class Stored:
    """What a Prometheus has of the servers and edges of a namespace, or of all."""

    prometheus: str
    window_s: float
    namespace: str = ""

    def overview(self) -> Overview:
        """As it was scraped last.

        Raises:
            OpsError: Prometheus does not answer
        """
        now_s = time.time()
        return overview(growth(self._counters(now_s - self.window_s), self._counters(now_s)))

    def _counters(self, at_s: float) -> Counters:
        narrowed = f",namespace={json.dumps(self.namespace)}" if self.namespace else ""
        found = instant(self.prometheus, f'{{__name__=~"{"|".join(_NAMES)}"{narrowed}}}', at_s=at_s)
        values = {
            (labels["__name__"], frozenset(labels.items()) - {("__name__", labels["__name__"])}): value
            for labels, value in found
        }
        return Counters(at_s, values)
