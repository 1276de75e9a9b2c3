"""One rate, tried."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A rate that was offered for some seconds.

    held:            every objective
    margin:          the figure that came nearest to its bound, or went furthest beyond, as a multiple of the bound
    mean_s:          latency of the good answers, from the intended time; NaN without any
    generator_bound: the generator itself was the bottleneck, so that a breach says nothing of the server
    why:             what was not held, in words; empty where all was
    """

    per_s: float
    held: bool
    margin: float
    answered_per_s: float
    mean_s: float
    p50_s: float | None
    p99_s: float | None
    generator_bound: bool = False
    why: str = ""
