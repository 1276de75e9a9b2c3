"""Case 6: at three times the capacity the edge keeps Triton at work and turns the rest away at once."""

import json
import time
from dataclasses import dataclass

import psutil
import pytest

from edges import edge_before, raw_http_request
from triptych_ops.runtime import Server
from triptych_ops.runtime.edge import Edge, Limits

from .load import Load, Sample, percentile

CONNECTIONS = 16
USEFUL_S = 1.0  # an answer that comes later is of no use to anybody who waits for it
NORMAL_SHARE = 0.3  # of the capacity
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an overload led to."""

    capacity_per_s: float
    samples: list[Sample]
    seconds: float
    growth_bytes: int  # of the edge and the server with its stubs, at the highest
    normal_s: float  # p99 before
    recovered_s: float  # after the overload, until a second's p99 was at most twice the normal; infinite where never

    @property
    def useful(self) -> list[Sample]:
        return [sample for sample in self.samples if sample.status == 200 and sample.latency_s <= USEFUL_S]

    @property
    def goodput(self) -> float:
        """Useful answers as a share of the capacity."""
        return len(self.useful) / self.seconds / self.capacity_per_s

    @property
    def rejected(self) -> list[Sample]:
        return [sample for sample in self.samples if sample.status == 429]


def memory_bytes(edge: Edge, server: Server) -> int:
    """Held by the edge, the server and its stubs; what they share counts once for each."""
    processes = [psutil.Process(edge.pid), psutil.Process(server.pid)]
    everyone = [*processes, *processes[1].children(recursive=True)]
    return sum(process.memory_info().rss for process in everyone)


def p99(samples: list[Sample]) -> float:
    return percentile([sample.latency_s for sample in samples], 0.99)


def overloaded(edge: Edge, server: Server, request: bytes, *, seconds: float, settle_s: float) -> Outcome:
    """Measure the capacity, ask for three times as much, and see how long the way back takes."""
    load = Load(edge.settings.http_port, request)
    load.closed(CONNECTIONS, 2)
    capacity_per_s = len(load.closed(CONNECTIONS, 8)) / 8
    normal_s = p99(load.open(NORMAL_SHARE * capacity_per_s, 6))
    before, highest = memory_bytes(edge, server), 0
    samples: list[Sample] = []
    for _ in range(int(seconds / 5)):
        samples += load.open(3 * capacity_per_s, 5, wait=False)
        highest = max(highest, memory_bytes(edge, server))
    over_s, recovered_s = time.monotonic(), float("inf")
    load.abandon()  # those clients have gone; what they asked for has not
    while recovered_s == float("inf") and time.monotonic() - over_s < settle_s:
        if p99(load.open(NORMAL_SHARE * capacity_per_s, 1)) <= 2 * normal_s:
            recovered_s = time.monotonic() - over_s
    load.close()
    return Outcome(capacity_per_s, samples, seconds, highest - before, normal_s, recovered_s)


def test_overload_is_turned_away_and_the_rest_is_served(server: Server, photograph: bytes) -> None:
    with edge_before(server.ports) as edge:
        outcome = overloaded(edge, server, raw_http_request([photograph]), seconds=60, settle_s=8)
    rejects_s = p99(outcome.rejected)
    others = {sample.status for sample in outcome.samples} - {200, 429}
    print(
        f"case 6: C {outcome.capacity_per_s:.0f}/s, goodput {outcome.goodput:.2f} C (bound 0.9), "
        f"{len(outcome.rejected)} rejects with p99 {rejects_s * 1e3:.0f} ms (bound 50 ms), "
        f"memory +{outcome.growth_bytes / _MIB:.0f} MiB, answers p99 {p99(outcome.useful) * 1e3:.0f} ms, "
        f"normal again after {outcome.recovered_s:.1f} s (bound 5 s)"
    )
    assert outcome.goodput >= 0.9
    assert len(outcome.rejected) > outcome.capacity_per_s * outcome.seconds
    assert {json.loads(sample.body)["error"][:10] for sample in outcome.rejected} == {"overloaded"}
    assert not others
    assert rejects_s <= 0.05
    assert outcome.growth_bytes <= 256 * _MIB
    assert outcome.recovered_s <= 5


@pytest.mark.timeout(600)
def test_without_the_limit_nobody_is_served_in_time(server: Server, photograph: bytes) -> None:
    """The control."""
    with edge_before(server.ports, limits=Limits(max_concurrent=100_000)) as edge:
        outcome = overloaded(edge, server, raw_http_request([photograph]), seconds=15, settle_s=6)
    print(f"case 6: control without the limit: goodput {outcome.goodput:.2f} C, {len(outcome.rejected)} rejects")
    assert outcome.goodput < 0.9
    assert outcome.recovered_s > 5
