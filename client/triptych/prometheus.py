"""Metrics for Prometheus of a client's calls.

    from triptych.prometheus import PrometheusObserver

    client = Client(url, observers=[PrometheusObserver()])

Needs `pip install 'triptych[prometheus]'`. Labels have few values: no server's address, which changes as servers come
and go, and no caller's input. `triptych_client_image_errors_total` counts the images that failed by the `code` of their
`ImageError`; codes that the SDK does not know are counted as `rejected`.

In a child process that was made by a fork, counters go on from the values of the parent, as `prometheus_client` keeps
them; calls under way are counted from 0 when the first one begins.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from . import forks
from .errors import IMAGE_CODES, ImageError
from .observing import Call, outcome
from .resilience.calling import Standing
from .resilience.course import Attempt
from .transports.headers import NO_HEADERS

_BUCKETS_S: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Dense where an image is answered, 10 to 100 ms, and up to the usual deadlines."""


@dataclass(frozen=True, slots=True)
class _Metrics:
    calls: Counter
    seconds: Histogram
    in_flight: Gauge
    attempts: Counter
    retries: Counter
    images: Counter
    image_errors: Counter
    servers: Gauge
    resting: Gauge
    ejections: Counter
    circuit_open: Gauge

    @classmethod
    def of(cls, registry: CollectorRegistry) -> "_Metrics":
        """Those of a registry, made once."""
        with _LOCK:
            if registry not in _METRICS:
                _METRICS[registry] = cls._made(registry)
            return _METRICS[registry]

    @classmethod
    def _made(cls, registry: CollectorRegistry) -> "_Metrics":
        def counter(name: str, words: str, *labels: str) -> Counter:
            return Counter(f"triptych_client_{name}", words, ("client", *labels), registry=registry)

        def gauge(name: str, words: str, *labels: str) -> Gauge:
            return Gauge(f"triptych_client_{name}", words, ("client", *labels), registry=registry)

        return cls(
            calls=counter("calls_total", "Calls that ended, by how", "operation", "outcome"),
            seconds=Histogram(
                "triptych_client_call_duration_seconds",
                "What calls took, retries and all",
                ("client", "operation"),
                buckets=_BUCKETS_S,
                registry=registry,
            ),
            in_flight=gauge("calls_in_flight", "Calls under way"),
            attempts=counter("attempts_total", "Requests that ended, by how", "outcome"),
            retries=counter("retries_total", "Requests beyond the first of a call, hedges included"),
            images=counter("images_total", "Images in calls that were answered", "operation"),
            image_errors=counter("image_errors_total", "Images that could not be classified", "operation", "code"),
            servers=gauge("servers", "Servers that are known"),
            resting=gauge("servers_resting", "Servers that get no requests now: unreachable, or ejected"),
            ejections=counter("ejections_total", "Times that a server much worse than the others was put to rest"),
            circuit_open=gauge("circuit_open", "1 while calls are held back for want of any server"),
        )


_LOCK: Final = threading.RLock()
"""Held while the SDK is inside prometheus_client, and during a fork, so that no child inherits a lock that is held."""

forks.at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release)

_METRICS: Final[WeakKeyDictionary[CollectorRegistry, _Metrics]] = WeakKeyDictionary()


class PrometheusObserver:
    """An `Observer` that counts and times the calls of one client.

    client:   tells it from the other clients of this process, as a label
    registry: where the metrics are
    clock:    seconds, monotonic
    """

    def __init__(
        self,
        client: str = "default",
        *,
        registry: CollectorRegistry = REGISTRY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._clock = clock
        self._metrics = _Metrics.of(registry)
        self._ejections = 0  # that were counted
        self._is_forked = False
        forks.register(self)

    def after_fork(self) -> None:
        """Begin anew with what is about the calls and the servers of this process."""
        self._ejections = 0
        self._is_forked = True  # no more here: a thread that was scraping may have held a lock of prometheus_client

    def begin(self, call: Call) -> "_CallCount":
        """One more is under way."""
        with _LOCK:
            if self._is_forked:
                self._metrics.in_flight.labels(self._client).set(0)
                self._is_forked = False
            self._metrics.in_flight.labels(self._client).inc()
        return _CallCount(self, call)

    def images_failed(self, operation: str, errors: Sequence[ImageError]) -> None:
        """Count them by their codes."""
        with _LOCK:
            for error in errors:
                code = error.code if error.code in IMAGE_CODES else "rejected"
                self._metrics.image_errors.labels(self._client, operation, code).inc()

    def attempt_ended(self, attempt: Attempt, error: BaseException | None) -> None:
        """Count it."""
        with _LOCK:
            self._metrics.attempts.labels(self._client, outcome(error)).inc()
            if attempt.number > 1:
                self._metrics.retries.labels(self._client).inc()

    def call_ended(self, call: Call, error: BaseException | None, standing: Standing, *, seconds: float) -> None:
        """Count it, and note how the servers stand."""
        with _LOCK:
            self._count(call, error, standing, seconds)

    def _count(self, call: Call, error: BaseException | None, standing: Standing, seconds: float) -> None:
        metrics, client = self._metrics, self._client
        metrics.in_flight.labels(client).dec()
        metrics.calls.labels(client, call.operation, outcome(error)).inc()
        metrics.seconds.labels(client, call.operation).observe(seconds)
        if error is None:
            metrics.images.labels(client, call.operation).inc(call.images)
        metrics.servers.labels(client).set(standing.servers)
        metrics.resting.labels(client).set(standing.resting)
        metrics.circuit_open.labels(client).set(standing.circuit_open)
        new, self._ejections = standing.ejections - self._ejections, max(standing.ejections, self._ejections)
        metrics.ejections.labels(client).inc(max(new, 0))

    def now(self) -> float:
        """What the clock says."""
        return self._clock()


class _CallCount:
    def __init__(self, observer: PrometheusObserver, call: Call) -> None:
        self._observer = observer
        self._call = call
        self._begun = observer.now()

    def attempt(self, attempt: Attempt) -> "_AttemptCount":
        return _AttemptCount(self._observer, attempt)

    def end(self, error: BaseException | None, standing: Standing) -> None:
        seconds = self._observer.now() - self._begun
        self._observer.call_ended(self._call, error, standing, seconds=seconds)


class _AttemptCount:
    headers: Mapping[str, str] = NO_HEADERS

    def __init__(self, observer: PrometheusObserver, attempt: Attempt) -> None:
        self._observer = observer
        self._attempt = attempt

    def end(self, error: BaseException | None) -> None:
        self._observer.attempt_ended(self._attempt, error)
