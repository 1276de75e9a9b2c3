"""Runs of a server as many are: slow moments last for a while, so that neighbours are alike."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from loadtests.comparison.resampling import Block
from loadtests.profiles import Arrivals, Profile, Stage
from loadtests.records import OK, Ending, Outcome, RecordWriter, Run, Sample, write_ending, write_run

SECONDS = 120.0
PER_S = 40


def latencies_s(seed: int, *, slower: float = 1.0) -> tuple[NDArray[np.float64], Block]:
    """Times and latencies of a run; slow moments last for about a second, so that neighbours are alike."""
    dice = np.random.default_rng(seed)
    count = int(SECONDS * PER_S)
    memory = math.exp(-1 / PER_S)
    level = np.empty(count)
    level[0] = dice.normal()
    for place, shock in enumerate(dice.normal(size=count - 1) * math.sqrt(1 - memory**2)):
        level[place + 1] = memory * level[place] + shock
    times_s = np.sort(dice.uniform(0, SECONDS, count))
    return times_s, 0.02 * slower * np.exp(0.3 * level + 0.1 * dice.normal(size=count))


def record(folder: Path, seed: int, *, slower: float = 1.0, errors: float = 0.0, per_s: int = PER_S) -> Path:
    stage = Stage(name="server", seconds=SECONDS, load=Arrivals(per_s))
    profile = Profile(name="server", summary="", stages=(stage,))
    run = Run(
        profile=profile,
        urls=("grpc://127.0.0.1:1",),
        protocol="grpc",
        seed=seed,
        started_at="2026-01-01T00:00:00+00:00",
    )
    write_run(folder, run)
    dice = np.random.default_rng(seed)
    times_s, values = latencies_s(seed, slower=slower)
    with RecordWriter(folder, 0) as writer:
        for at_s, latency_s in zip(times_s, values, strict=True):
            code = "unavailable" if dice.random() < errors else OK
            writer.write([Sample("server", "grpc", "jpeg", code, 1, 1, 9, at_s, at_s, at_s + latency_s)])
    write_ending(folder, Ending(outcome=Outcome.DONE, reason="all stages ran", seconds=SECONDS))
    return folder
