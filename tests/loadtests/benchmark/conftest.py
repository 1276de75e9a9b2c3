"""Results of a run that never was: plain numbers, so that each figure can be worked out by hand."""

from collections.abc import Mapping
from typing import Protocol

import pytest

from loadtests.benchmark.load import Load
from loadtests.benchmark.samples import Results, Sample
from loadtests.benchmark.scenarios import FP32, INT8, LEVELS, LIMITS, PEERS, TWELVE_MEGAPIXELS
from loadtests.benchmark.triton_statistics import MemberTimes

MEMBERS = {
    "preprocess": MemberTimes(100, 100, 0.1, 0.01, 0.2, 0.01),
    "classifier": MemberTimes(100, 25, 0.2, 0.01, 1.0, 0.01),
}


class MakeResults(Protocol):
    """Makes results that pass every bar, but for what is given."""

    def __call__(
        self,
        *,
        per_s: Mapping[tuple[str, str], float] = ...,
        latencies_s: Mapping[tuple[str, str], tuple[float, ...]] = ...,
        errors: Mapping[tuple[str, str], Mapping[str, int]] = ...,
        memory_bytes: int = ...,
        starts_s: tuple[float, ...] = ...,
        generator_s: float = ...,
        others_cpu_share: float = ...,
        leave_out: tuple[str, ...] = ...,
    ) -> Results: ...


@pytest.fixture
def make_results() -> MakeResults:
    def make(
        *,
        per_s: Mapping[tuple[str, str], float] | None = None,
        latencies_s: Mapping[tuple[str, str], tuple[float, ...]] | None = None,
        errors: Mapping[tuple[str, str], Mapping[str, int]] | None = None,
        memory_bytes: int = 500_000_000,
        starts_s: tuple[float, ...] = (1.0, 2.0),
        generator_s: float = 0.01,
        others_cpu_share: float = 0.0,
        leave_out: tuple[str, ...] = (),
    ) -> Results:
        speeds = {**dict.fromkeys(LIMITS, 160.0), **dict.fromkeys(PEERS, 140.0), FP32: 155.0, INT8: 280.0}
        samples = []
        for turn in (1, 2, 3):
            for scenario in (*LEVELS, TWELVE_MEGAPIXELS):
                for name in (name for name in scenario.contestants if name not in leave_out):
                    key = (name, scenario.name)
                    load = Load(
                        # The machine gets slower from round to round; no ratio may change by it.
                        per_s=(per_s or {}).get(key, speeds[name]) / turn,
                        latencies_s=(latencies_s or {}).get(key, (0.010,) * 99 + (0.011,)),
                        errors=(errors or {}).get(key, {}),
                        answers=100,
                        generator_s=generator_s,
                    )
                    members = MEMBERS if name in (FP32, INT8) else {}
                    cpu_s = {"tritonserver": 0.001, "classifier": 0.0105} if members else {"python": 0.012}
                    samples.append(
                        Sample(turn, scenario.name, name, load, cpu_s, memory_bytes, others_cpu_share, members)
                    )
        started = {name: starts_s for name in (FP32, INT8, *PEERS) if name not in leave_out}
        return Results(tuple(samples), started, cores=2, rounds=3, seconds=1.0)

    return make
