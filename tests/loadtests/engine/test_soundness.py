"""A generator that was busy or late is told from one that was not."""

import pytest

from loadtests.engine.soundness import bottleneck
from loadtests.profiles import Arrivals, Loop, Profile, Stage
from loadtests.records import OK, Pulse, Sample

LOADS: dict[str, Arrivals | Loop] = {"open": Arrivals(100), "closed": Loop(4)}


def profile(load: str) -> Profile:
    stages = (
        Stage(name="warm-up", seconds=2, load=LOADS[load], measured=False),
        Stage(name="measured", seconds=8, load=LOADS[load]),
    )
    return Profile(name="of tests", summary="", stages=stages)


def samples(lag_s: float, latency_s: float, *, stage: str = "measured", share: float = 1.0) -> list[Sample]:
    lags = [lag_s if number < 100 * share else 0.0 for number in range(100)]
    return [Sample(stage, "grpc", "jpeg", OK, 1, 1, 1, 1.0, 1.0 + lag, 1.0 + latency_s) for lag in lags]


def pulses(*cpu_shares: float, lag_s: float = 0.001) -> dict[int, list[Pulse]]:
    return {0: [Pulse(second + 1.0, share, 0.5, lag_s, 1, 100, 0) for second, share in enumerate(cpu_shares)]}


IDLE = pulses(*[0.3] * 10)


@pytest.mark.parametrize(
    ("load", "seen", "vitals", "words"),
    [
        ("open", samples(0.0002, 0.02), IDLE, None),
        ("open", samples(0.004, 0.02), IDLE, "4.0 ms of the 20.0 ms of latency at the 50th"),
        ("open", samples(0.004, 0.2), IDLE, None),
        ("open", samples(0.0009, 0.002), IDLE, None),
        ("open", samples(0.02, 0.05, share=0.03), IDLE, "20.0 ms of the 50.0 ms of latency at the 99th"),
        ("open", samples(0.02, 0.05, stage="warm-up"), IDLE, None),
        ("closed", samples(0.0, 0.02), IDLE, None),
        ("closed", samples(0.0, 0.02), pulses(*[0.98] * 10), "process 0 took 98% of a core, and 90% or more in 8 of 8"),
        ("closed", samples(0.0, 0.02), pulses(1.0, 1.0, 0.95, *[0.3] * 7), None),
        ("closed", samples(0.0, 0.02), pulses(1.0, 1.0, 0.95, 0.95, *[0.3] * 6), "2 of 8 seconds"),
        ("closed", samples(0.0, 0.2), pulses(*[0.3] * 10, lag_s=0.03), "saw answers 30 ms late, of 200 ms"),
        ("closed", samples(0.0, 0.2), pulses(*[0.3] * 10, lag_s=0.015), None),
        ("open", samples(0.02, 0.05)[:10], IDLE, None),
        ("open", [], {}, None),
    ],
)
def test_a_bottleneck_is_named(
    load: str, seen: list[Sample], vitals: dict[int, list[Pulse]], words: str | None
) -> None:
    found = bottleneck(profile(load), seen, vitals)
    assert found is None if words is None else words in (found or "")
