"""What must hold, as a table."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from . import figures
from .samples import Results
from .scenarios import FP32, INT8, LIMITS, PEERS, TWELVE_MEGAPIXELS


class Sense(Enum):
    """On which side of the bound the good lies."""

    AT_LEAST = ">="
    ABOVE = ">"
    AT_MOST = "<="


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure and its bound, in the same unit."""

    what: str
    figure: Callable[[Results], float | None]
    sense: Sense
    bound: float
    unit: str
    per_unit: float = 1.0  # what one unit is in that of `figure`, such as 0.001 s for ms


@dataclass(frozen=True, slots=True)
class Verdict:
    """A bar and what was measured; neither passed nor missed where nothing was."""

    bar: Bar
    figure: float | None  # in the bar's unit

    @property
    def passed(self) -> bool | None:
        """Whether the figure is on the good side."""
        if self.figure is None:
            return None
        if self.bar.sense is Sense.AT_MOST:
            return self.figure <= self.bar.bound
        return self.figure > self.bar.bound or (self.bar.sense is Sense.AT_LEAST and self.figure == self.bar.bound)


_MS, _GB = 1e-3, 1e9

BARS = (
    Bar(
        "fp32, throughput at 16 connections, of the higher in-process limit",
        lambda results: figures.slowest_ratio(results, FP32, LIMITS, "16"),
        *(Sense.AT_LEAST, 0.95, "x"),
    ),
    Bar(
        "fp32, throughput at 16 connections, of the best peer",
        lambda results: figures.slowest_ratio(results, FP32, PEERS, "16"),
        *(Sense.ABOVE, 1.0, "x"),
    ),
    Bar(
        "fp32, throughput at 64 connections, of its own peak",
        lambda results: figures.ratio_to_peak(results, FP32, "64"),
        *(Sense.AT_LEAST, 0.95, "x"),
    ),
    Bar(
        "fp32, throughput at 256 connections, of its own peak",
        lambda results: figures.ratio_to_peak(results, FP32, "256"),
        *(Sense.AT_LEAST, 0.95, "x"),
    ),
    Bar(
        "fp32, p99 at 16 connections, of p50",
        lambda results: figures.tail_ratio(results, FP32, "16"),
        *(Sense.AT_MOST, 1.5, "x"),
    ),
    Bar(
        "fp32, p50 at 1 connection, beyond the sooner in-process",
        lambda results: figures.most_added_latency_s(results, FP32, LIMITS, "1"),
        *(Sense.AT_MOST, 1.5, "ms", _MS),
    ),
    Bar(
        "int8, throughput at 16 connections, of fp32",
        lambda results: figures.speed_ratio(results, INT8, FP32, "16"),
        *(Sense.AT_LEAST, 1.6, "x"),
    ),
    Bar(
        "fp32, a 12-megapixel JPEG, p50 at 1 connection",
        lambda results: figures.latency_s(results, FP32, TWELVE_MEGAPIXELS.name, 0.5),
        *(Sense.AT_MOST, 40.0, "ms", _MS),
    ),
    Bar(
        "fp32, start to first true answer, the longest",
        lambda results: figures.longest_start_s(results, FP32),
        *(Sense.AT_MOST, 5.0, "s"),
    ),
    Bar(
        "fp32, memory of all processes, the most",
        lambda results: figures.most_memory_bytes(results, FP32),
        *(Sense.AT_MOST, 1.2, "GB", _GB),
    ),
    Bar(
        "fp32 and int8, errors and wrong answers",
        lambda results: figures.errors(results, FP32, INT8),
        *(Sense.AT_MOST, 0, ""),
    ),
    Bar(
        "load generator, CPU time of a request at 16 connections",
        lambda results: figures.generator_s_per_request(results, FP32, "16"),
        *(Sense.AT_MOST, 0.15, "ms", _MS),
    ),
    Bar("idle contestants, CPU time, of one core", figures.idle_share, Sense.AT_MOST, 3.0, "%", 0.01),
)


def judge(results: Results) -> list[Verdict]:
    """A verdict for each bar."""
    return [_verdict(bar, bar.figure(results)) for bar in BARS]


def _verdict(bar: Bar, figure: float | None) -> Verdict:
    return Verdict(bar, None if figure is None else figure / bar.per_unit)
