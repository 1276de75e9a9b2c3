"""Counters among Triton's own metrics: what a release answers.

Runs inside Triton's python backend: it imports nothing of ours. Triton takes 0.1 ms for each counter it is told of, so
this is done in a thread, off the path of requests. The same file lies beside each model that counts.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

Counted = tuple[str, str]
"""A family of counters, and the value of its own label; "" where it has none."""

HEALTH_ID: Final = "health-"
"""What the ids of requests begin with that ask for the server's health: they are no traffic, and nobody counts them."""

_FAMILIES: Final = {
    "triptych_predictions_total": ("class", "Images by their most probable class"),
    "triptych_top_score_bucket": ("le", "Images by the probability of that class, which is at most le"),
    "triptych_top_score_count": (None, "Images that were classified"),
    "triptych_top_score_sum": (None, "Sum of the probabilities of their most probable class"),
    "triptych_image_errors_total": ("code", "Images that could not be classified, by the reason"),
}
_INTERVAL_S: Final = 2.0  # short against the time between two scrapes
_MOST: Final = 100_000  # batches in that time, of which 2,000 are many


class Counters:
    """Counts what is noted, once each two seconds.

    triton:  the module that Triton gives to its models
    release: the label of all counters
    known:   counters that are there from the start, at zero: of one that begins at 1 no rate is told
    count:   what was noted -> by how much each counter grows

    A server that takes no metrics of models is served all the same: it is told once, and nothing is counted.
    """

    def __init__(
        self,
        triton: Any,
        release: str,
        known: Iterable[Counted],
        count: Callable[[list[Any]], Mapping[Counted, float]],
        *,
        interval_s: float = _INTERVAL_S,
    ) -> None:
        self._triton = triton
        self._release = release
        self._count = count
        self._interval_s = interval_s
        self._families: dict[str, Any] = {}
        self._counters: dict[Counted, Any] = {}
        self._noted: deque[Any] = deque(maxlen=_MOST)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="counters", daemon=True)
        try:
            for counted in known:
                self._counter(counted)
        except Exception as error:  # whatever such a server says
            triton.Logger.log_warn(f"answers are not counted: {error}")
            self._noted = deque(maxlen=0)
        else:
            self._thread.start()

    def note(self, item: Any) -> None:
        """Remember it for the next count."""
        self._noted.append(item)

    def close(self) -> None:
        """Count what is left."""
        self._ended.set()
        if self._thread.ident:
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._interval_s):
            self._tell()
        self._tell()

    def _tell(self) -> None:
        noted = [self._noted.popleft() for _ in range(len(self._noted))]
        for counted, amount in self._count(noted).items() if noted else ():
            if amount:
                self._counter(counted).increment(amount)

    def _counter(self, counted: Counted) -> Any:
        if counted not in self._counters:
            family, value = counted
            label, description = _FAMILIES[family]
            if family not in self._families:
                self._families[family] = self._triton.MetricFamily(
                    name=family, description=description, kind=self._triton.MetricFamily.COUNTER
                )
            labels = {"release": self._release} | ({label: value} if label else {})
            self._counters[counted] = self._families[family].Metric(labels=labels)
        return self._counters[counted]
