import json

import pytest

from loadtests.benchmark.bars import judge
from loadtests.benchmark.report import document, print_tables
from loadtests.benchmark.samples import Results
from loadtests.benchmark.scenarios import CONTESTANTS, FP32, LIMIT
from loadtests.benchmark.tables import tables

from .conftest import MakeResults


def printed(results: Results, capsys: pytest.CaptureFixture[str]) -> str:
    print_tables(tables(results, judge(results)))
    return capsys.readouterr().out


def test_every_contestant_has_its_figures(make_results: MakeResults, capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(make_results(per_s={(FP32, "16"): 120.0}), capsys).splitlines()
    assert all(any(line.startswith(name) for line in lines) for name in CONTESTANTS)
    throughput = next(line for line in lines if line.startswith(FP32))
    assert "78 (52-155) 0.97x" in throughput  # 155, 77.5, 51.7 in three rounds, of the limit's 160, 80, 53.3
    assert "60 (40-120) 0.75x" in throughput


def test_the_bars_end_with_pass_or_fail(make_results: MakeResults, capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(make_results(per_s={(FP32, "16"): 120.0}, leave_out=("flask",)), capsys).splitlines()
    limit = next(line for line in lines if "of the higher in-process limit" in line)
    assert limit.split()[-6:] == ["0.75", "x", ">=", "0.95", "x", "FAIL"]
    memory = next(line for line in lines if "memory of all processes" in line)
    assert memory.endswith("pass")
    assert "0.50 GB" in memory


def test_time_is_followed_to_members_and_processes(
    make_results: MakeResults, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = printed(make_results(), capsys).splitlines()
    member = next(
        line.split() for line in lines if line.startswith(FP32) and " classifier " in line and "+" not in line
    )
    assert member == [FP32, "1", "classifier", "2.00", "0.10", "10.00", "0.10", "4.0"]
    cpu = next(line for line in lines if line.startswith(FP32) and "tritonserver" in line)
    assert cpu.split(maxsplit=3) == [FP32, "1", "11.5", "tritonserver 1.0 + classifier 10.5"]


def test_what_was_not_measured_is_a_dash(make_results: MakeResults, capsys: pytest.CaptureFixture[str]) -> None:
    only_limit = make_results(leave_out=tuple(name for name in CONTESTANTS if name != LIMIT))
    lines = printed(only_limit, capsys).splitlines()
    best_peer = next(line for line in lines if "of the best peer" in line)
    assert best_peer.endswith("not measured")
    assert " - " in best_peer


def test_the_json_has_all_samples_and_a_version(make_results: MakeResults) -> None:
    results = make_results()
    made = json.loads(json.dumps(document(results, judge(results))))
    assert next(iter(made)) == "schema_version"
    assert len(made["samples"]) == len(results.samples)
    sample = next(s for s in made["samples"] if s["contestant"] == FP32 and s["scenario"] == "16" and s["round"] == 1)
    assert (sample["per_s"], sample["p50_s"], sample["members"]["classifier"]["executions"]) == (155.0, 0.01, 25)
    assert all(bar["passed"] for bar in made["bars"])
