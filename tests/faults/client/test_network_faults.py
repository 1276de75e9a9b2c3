"""Eight faults of a network, both protocols, both clients: nothing hangs, nothing is left open."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands import Serving
from descriptors import descriptors
from fault_proxy import Fault, FaultProxy

TESTS = Path(__file__).parents[2]
FAULTS = {
    "latency": Fault(latency_s=0.1),
    "down": Fault(down=True),
    "bandwidth": Fault(bytes_per_s=4000),
    "slow close": Fault(slow_close_s=1.0),
    "timeout": Fault(discards=True),
    "reset": Fault(resets_after_s=0.02),
    "slicer": Fault(slice_bytes=256),
    "data limit": Fault(limit_bytes=100),
}
SLOWS = {"latency", "slow close", "slicer"}  # what is only slower than without
STOPS = {"down", "bandwidth", "timeout", "data limit"}  # what lets no answer through in time
DEADLINE_S = 1.5
CALLS = 6
LATE_S = 0.05


def calls(url: str) -> Any:
    """What `caller.py` found."""
    command = [sys.executable, str(Path(__file__).with_name("caller.py")), url, str(DEADLINE_S), str(CALLS)]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(params=["grpc", "http"])
def proxy(request: pytest.FixtureRequest, serving: Serving) -> Iterator[tuple[str, FaultProxy]]:
    scheme: str = request.param
    with FaultProxy(serving.ports.grpc if scheme == "grpc" else serving.ports.http) as between:
        yield f"{scheme}://127.0.0.1:{between.port}", between


@pytest.mark.parametrize("name", FAULTS)
def test_no_call_hangs_and_no_descriptor_is_left(name: str, proxy: tuple[str, FaultProxy]) -> None:
    url, between = proxy
    between.fault = FAULTS[name]
    found = calls(url)
    assert sum(found["outcomes"].values()) == 2 * CALLS
    assert found["slowest_s"] <= DEADLINE_S + LATE_S
    assert found["left"] <= 0
    if name in SLOWS:
        assert found["outcomes"] == {"answered": 2 * CALLS}
    if name in STOPS:
        assert "answered" not in found["outcomes"]
    print(
        f"case 19: {name} over {url[:4]}: 0 hangs, slowest {found['slowest_s']:.2f} s of {DEADLINE_S + LATE_S:g} s, "
        f"0 descriptors left, {found['outcomes']}"
    )


def test_a_descriptor_that_is_left_open_is_noticed(tmp_path: Path) -> None:
    before = descriptors()
    with tmp_path.joinpath("file").open("w"):
        assert descriptors() > before
    assert descriptors(at_most=before) == before
