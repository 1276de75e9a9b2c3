"""Latency of images alone, throughput of many."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from loadtests.sample_statistics import quantiles

_Image = TypeVar("_Image")


@dataclass(frozen=True, slots=True)
class Speed:
    """Latency of one image at a time; images a second of all together."""

    timed: int  # images alone
    p50_ms: float
    p95_ms: float
    p99_ms: float
    images_per_s: float


def time_answers(
    answer: Callable[[Sequence[_Image]], object],
    images: Sequence[_Image],
    *,
    alone: int = 50,
    together_s: float,
    together: int,
    clock: Callable[[], float] = time.perf_counter,
) -> Speed:
    """The speed of `answer`, called with one image at a time, at most `alone`, after a first that is not timed.

    `together` images were answered in `together_s`, in whatever batches the caller lets them be.
    """
    timed = images[:alone]
    answer(timed[:1])
    latencies_ms = []
    for image in timed:
        start = clock()
        answer([image])
        latencies_ms.append((clock() - start) * 1000)
    p50, p95, p99 = quantiles(latencies_ms, (0.50, 0.95, 0.99))
    return Speed(len(timed), p50, p95, p99, together / together_s)
