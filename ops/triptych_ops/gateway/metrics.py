"""What the gateway counts, for Prometheus. Labels have few values: routes, not paths."""

from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder

from .exchange import Exchange

UNMATCHED: Final = "unmatched"
CLIENT_GONE: Final = 499
"""The status, nginx's, of a request whose caller left before its answer."""

_BUCKETS_S: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class _Series:
    """Those that one kind of request counts in, found once."""

    requests: Counter
    seconds: Histogram
    received: Counter
    sent: Counter
    images: Counter


class Metrics:
    """In a registry of their own, with those of the process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._under_way = Gauge("triptych_gateway_requests_in_flight", "Requests under way", registry=self.registry)
        self._requests = self._counter(
            "requests", "Requests that ended, by their status; 499: the caller left", "method", "status"
        )
        self._seconds = Histogram(
            "triptych_gateway_request_duration_seconds",
            "From a request's head to the end of its answer",
            ("route",),
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self._received = self._counter("request_bytes", "Bytes of bodies that arrived")
        self._sent = self._counter("response_bytes", "Bytes of bodies of answers")
        self._images = self._counter("images", "Images that a server was asked about")
        self._series: dict[tuple[str, str, int], _Series] = {}

    def begin(self) -> None:
        """A request begins."""
        self._under_way.inc()

    def end(self, exchange: Exchange, *, route: str, method: str, status: int, seconds: float, sent_bytes: int) -> None:
        """It ended."""
        self._under_way.dec()
        method = method if method in _METHODS else "other"
        series = self._series.get((route, method, status)) or self._found(route, method, status)
        series.requests.inc()
        series.seconds.observe(seconds)
        series.received.inc(exchange.body_bytes)
        series.sent.inc(sent_bytes)
        series.images.inc(exchange.images)

    def exposed(self, accept: str) -> tuple[bytes, str]:
        """All of them, and their media type, in the format that `accept` asks for."""
        encoder, media_type = choose_encoder(accept)
        return encoder(self.registry), media_type

    def _found(self, route: str, method: str, status: int) -> _Series:
        series = _Series(
            self._requests.labels(route, method, status),
            self._seconds.labels(route),
            self._received.labels(route),
            self._sent.labels(route),
            self._images.labels(route),
        )
        self._series[route, method, status] = series
        return series

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(f"triptych_gateway_{name}_total", words, ("route", *labels), registry=self.registry)
