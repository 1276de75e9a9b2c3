"""A record as a run leaves it, made by hand."""

import math
from collections.abc import Callable
from pathlib import Path

from loadtests.profiles import Arrivals, Profile, Stage
from loadtests.records import DROPPED, OK, Ending, Outcome, Pulse, RecordWriter, Run, Sample, write_ending, write_run

PROFILE = Profile(
    name="of <tests>",
    summary="calm, then a rush",
    stages=(
        Stage(name="warm-up", seconds=2, load=Arrivals(10), measured=False),
        Stage(name="calm", seconds=4, load=Arrivals(10)),
        Stage(name="rush", seconds=4, load=Arrivals(50)),
    ),
    objectives=("p99<500ms", "errors<1%"),
)
PER_S = {"warm-up": 10, "calm": 10, "rush": 50}


def record(
    folder: Path,
    *,
    outcome: Outcome | None = Outcome.DONE,
    latency_s: Callable[[str, int], float] = lambda _stage, _number: 0.1,
    code: Callable[[str, int], str] = lambda _stage, _number: OK,
    url: str = "grpc://127.0.0.1:8001",
    command: tuple[str, ...] = (),
) -> Path:
    """Leave a run whose requests had these latencies and codes, by stage and number within it."""
    write_run(
        folder,
        Run(
            profile=PROFILE,
            urls=(url,),
            protocol="grpc",
            seed=1,
            started_at="2026-01-02T03:04:05+00:00",
            command=command,
        ),
    )
    with RecordWriter(folder, 0) as writer:
        begins_s = 0.0
        for stage in PROFILE.stages:
            for number in range(int(stage.seconds * PER_S[stage.name])):
                intended_s, found = begins_s + number / PER_S[stage.name], code(stage.name, number)
                sent_s = math.nan if found == DROPPED else intended_s
                done_s = sent_s + latency_s(stage.name, number)
                release = 7 if found == OK else 0
                writer.write([Sample(stage.name, "grpc", "jpeg", found, release, 1, 9, intended_s, sent_s, done_s)])
            begins_s += stage.seconds
        writer.write([], Pulse(1.0, 0.1, 0.5, 0.001, 2, 10, 0))
    if outcome:
        write_ending(folder, Ending(outcome=outcome, reason="as the test says", seconds=10))
    return folder
