"""Coordinated omission: a server that stalls a second shows it in an open loop, and hides it from a closed one.

Gil Tene, How NOT to Measure Latency, 2013.
"""

import time
from pathlib import Path

import numpy as np
import pytest

from loadtests.engine import Plan, run
from loadtests.profiles import Arrivals, Loop, Profile, Stage
from loadtests.records import Sample, read
from loadtests.users.target import Target
from triptych.testing import FakeServer

STALL_S = 1.0
PER_S = 100.0
SECONDS = 5.0


@pytest.fixture
def stalling() -> FakeServer:
    """Answers at once, but for one request, which holds all others up."""

    def stall(number: int) -> None:
        if number == int(PER_S * SECONDS / 3):
            time.sleep(STALL_S)

    return FakeServer(failure=stall, answer_s=0.005)


def ran(server: FakeServer, folder: Path, load: Arrivals | Loop) -> list[Sample]:
    profile = Profile(name="of tests", summary="", stages=(Stage(name="all", seconds=SECONDS, load=load),))
    with server:
        run(Plan(profile=profile, target=Target.at([server.http_url]), folder=folder))
    return list(read(folder).samples)


def test_an_open_loop_shows_a_stall(stalling: FakeServer, tmp_path: Path) -> None:
    samples = ran(stalling, tmp_path, Arrivals(PER_S))
    latencies_s = [sample.latency_s for sample in samples]
    p90_s, p99_s = np.percentile(latencies_s, [90, 99])
    delayed = sum(latency_s > 0.1 for latency_s in latencies_s) / len(latencies_s)
    print(f"open: p90 {p90_s * 1000:.0f} ms, p99 {p99_s * 1000:.0f} ms, {delayed:.0%} of {len(samples)} above 100 ms")
    assert p99_s > 0.8 * STALL_S
    assert delayed > 0.7 * STALL_S / SECONDS


def test_a_closed_loop_hides_it(stalling: FakeServer, tmp_path: Path) -> None:
    samples = ran(stalling, tmp_path, Loop(1))
    latencies_s = [sample.latency_s for sample in samples]
    p99_s = float(np.percentile(latencies_s, 99))
    print(f"closed: p99 {p99_s * 1000:.0f} ms of {len(samples)}, slowest {max(latencies_s) * 1000:.0f} ms")
    assert max(latencies_s) > STALL_S
    assert p99_s < 0.3 * STALL_S
