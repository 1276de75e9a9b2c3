"""Load tests of the real server: each profile in a short form, and what it carries."""

import json
from pathlib import Path

import pytest

from commands import Serving, triptych
from loadtests.profiles import SUMMARIES
from locust_process import Locust
from triptych.contract import MEMBERS

SECONDS = 4
_EXIT_CODES = {"held": 0, "breached": 4, "inconclusive": 6}


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_profile_has_a_short_form(name: str, serving: Serving, tmp_path: Path) -> None:
    done = triptych(
        *("loadtest", "run", name, "--url", serving.ports.grpc_url, "--seconds", SECONDS),
        *("--out", tmp_path / "run", "--json"),
    )
    told = json.loads(done.stdout)
    assert done.returncode == _EXIT_CODES[told["state"]], done.stderr
    assert {stage["sent"] - stage["good"] for stage in told["stages"]} == {0}, told["stages"]
    assert sum(stage["good"] for stage in told["stages"]) > 0
    assert {member["name"] for member in told["members"]["members"]} >= set(MEMBERS)
    assert told["bottleneck"].endswith(".")


def test_locust_s_record_has_the_servers_own_statistics(serving: Serving, tmp_path: Path) -> None:
    arguments = ("--headless", "-u", 2, "-r", 2, "-t", "4s", "--only-summary", "--record", tmp_path / "run")
    with Locust("GrpcCrowd", "--host", serving.ports.grpc_url, *arguments) as locust:
        status, said = locust.ended()
    assert status == 0, said
    told = json.loads(triptych("loadtest", "report", tmp_path / "run", "--json").stdout)
    assert {member["name"] for member in told["members"]["members"]} >= set(MEMBERS)


def test_what_it_carries(serving: Serving, tmp_path: Path) -> None:
    done = triptych(
        *("loadtest", "find-max", "--url", serving.ports.grpc_url, "--p99", "1s", "--seconds", 2),
        *("--tolerance", 0.5, "--out", tmp_path / "run", "--json"),
    )
    assert done.returncode in {0, 6}, done.stderr
    told = json.loads(done.stdout)
    tried = {trial["per_s"]: trial["held"] for trial in told["trials"]}
    print(f"carries {told['per_s']:.0f} requests/s within a p99 of 1 s, after {len(tried)} rates")
    assert tried[told["per_s"]]
    assert told["beyond_per_s"] is None or not tried[told["beyond_per_s"]]
