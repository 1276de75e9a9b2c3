"""What is written while a run runs is read afterwards, also when the run was killed."""

import csv
import json
import math
from pathlib import Path

import pytest

from loadtests.profiles import Arrivals, Loop, Profile, Stage
from loadtests.records import (
    DROPPED,
    OK,
    Ending,
    Outcome,
    Pulse,
    RecordError,
    RecordWriter,
    Run,
    Sample,
    read,
    write_ending,
    write_run,
)

PROFILE = Profile(
    name="mixed",
    summary="for tests",
    stages=(
        Stage(name="warm", seconds=1.5, load=Loop(2), measured=False),
        Stage(name="open", seconds=3.0, load=Arrivals(40.0, "constant", to_per_s=80.0), images=4),
    ),
    objectives=("p99<100ms",),
)
RUN = Run(profile=PROFILE, urls=("grpc://localhost:8001",), protocol="grpc", seed=7, started_at="2026-01-01T00:00:00Z")
ANSWERED = Sample("open", "grpc", "jpeg, 500x375", OK, 3, 1, 40_000, 1.0, 1.25, 2.0)
NOT_SENT = Sample("open", "grpc", "jpeg, 500x375", DROPPED, 0, 1, 40_000, 0.5, math.nan, math.nan)
PULSE = Pulse(1.0, 0.5, 0.75, 0.001, 3, 40, 1)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_run(tmp_path, RUN)
    with RecordWriter(tmp_path, 0) as first, RecordWriter(tmp_path, 1) as second:
        first.write([ANSWERED], PULSE)
        second.write([NOT_SENT])
    ending = Ending(outcome=Outcome.DONE, reason="all stages ran", seconds=4.5)
    write_ending(tmp_path, ending)
    stored = read(tmp_path)
    assert stored.run == RUN
    assert stored.ending == ending
    assert stored.pulses == {0: [PULSE], 1: []}
    dropped, answered = stored.samples
    assert answered == ANSWERED
    assert dropped[:8] == NOT_SENT[:8]
    assert not dropped.was_sent


def test_latency_counts_from_the_intended_time() -> None:
    assert (ANSWERED.latency_s, ANSWERED.service_s, ANSWERED.lag_s) == (1.0, 0.75, 0.25)


def test_a_killed_run_keeps_all_but_the_half_line(tmp_path: Path) -> None:
    write_run(tmp_path, RUN)
    with RecordWriter(tmp_path, 0) as writer:
        writer.write([ANSWERED, ANSWERED])
    with (tmp_path / "samples-0.csv").open("a") as file:
        file.write("open,grpc,jpeg")
    stored = read(tmp_path)
    assert list(stored.samples) == [ANSWERED, ANSWERED]
    assert stored.ending is None


def test_a_folder_takes_one_record(tmp_path: Path) -> None:
    write_run(tmp_path, RUN)
    with pytest.raises(RecordError, match="earlier run"):
        write_run(tmp_path, RUN)


@pytest.mark.parametrize(("file", "text"), [("other", ""), ("run.json", "{"), ("run.json", "{}")])
def test_what_is_no_record_is_named(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text)
    with pytest.raises(RecordError, match=str(tmp_path)):
        read(tmp_path)


def test_each_file_of_samples_names_its_columns_once(tmp_path: Path) -> None:
    write_run(tmp_path, RUN)
    for _ in range(2):  # a worker of Locust that comes back appends
        with RecordWriter(tmp_path, 0) as writer:
            writer.write([ANSWERED], PULSE)
    with (tmp_path / "samples-0.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["picture"] for row in rows] == ["jpeg, 500x375"] * 2
    assert float(rows[0]["done_s"]) == ANSWERED.done_s
    assert (tmp_path / "pulses-0.csv").read_text().splitlines()[0] == ",".join(Pulse._fields)
    assert list(read(tmp_path).samples) == [ANSWERED, ANSWERED]


def test_records_of_versions_without_column_names_and_command_are_read(tmp_path: Path) -> None:
    write_run(tmp_path, RUN)
    with RecordWriter(tmp_path, 0) as writer:
        writer.write([ANSWERED], PULSE)
    for name in ("samples-0.csv", "pulses-0.csv"):
        header, *lines = (tmp_path / name).read_text().splitlines(keepends=True)
        assert header.startswith(("stage,", "at_s,"))
        (tmp_path / name).write_text("".join(lines))
    document = json.loads((tmp_path / "run.json").read_text())
    del document["command"]
    (tmp_path / "run.json").write_text(json.dumps(document))
    stored = read(tmp_path)
    assert list(stored.samples) == [ANSWERED]
    assert stored.pulses == {0: [PULSE]}
    assert stored.run.command == ()
