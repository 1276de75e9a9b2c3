"""The deadline of a call is total: retries, waits, hedges, connecting and all."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from callers import PROTOCOLS
from fault_proxy import NONE, Fault, FaultProxy
from triptych.testing import Failure, FakeServer

TESTS = Path(__file__).parents[2]

LATE_S = 0.05
CALLS = 125  # of each client, over each protocol, in either way: 1,000
FAULTS = [
    NONE,
    Fault(latency_s=0.05),
    Fault(down=True),
    Fault(bytes_per_s=4000),
    Fault(slow_close_s=0.5),
    Fault(swallows=True),
    Fault(resets_after_s=0.02),
    Fault(slice_bytes=64),
    Fault(limit_bytes=100),
]
FAILURES = [
    None,
    Failure("UNAVAILABLE", http=503),
    Failure("UNAVAILABLE", http=503, headers={"grpc-retry-pushback-ms": "150", "retry-after": "1"}),
    Failure("RESOURCE_EXHAUSTED", http=429, headers={"grpc-retry-pushback-ms": "50", "retry-after": "0"}),
    Failure("INTERNAL", http=500, message="Stub process 'x' is not healthy."),
    Failure("INTERNAL", http=500),
]


@contextmanager
def faulted(protocol: str, seed: int) -> Iterator[list[str]]:
    """The URLs of two servers that meet every fault in turn, and fail and dawdle besides."""
    draw = Random(seed)  # noqa: S311
    leaving = threading.Event()

    def failure(_: int) -> Failure | None:
        return draw.choice(FAILURES)

    with FakeServer(failure=failure) as first, FakeServer(failure=failure) as second:
        servers = [first, second]
        ports = [int(PROTOCOLS[protocol](server).rsplit(":", 1)[1]) for server in servers]
        with FaultProxy(ports[0]) as before_first, FaultProxy(ports[1]) as before_second:
            proxies = [before_first, before_second]

            def spoil() -> None:
                while not leaving.wait(0.05):
                    draw.choice(proxies).fault = draw.choice(FAULTS)
                    draw.choice(servers).answer_s = draw.choice([0.0, 0.0, 0.02, 0.5])

            thread = threading.Thread(target=spoil)
            thread.start()
            try:
                yield [f"{protocol}://127.0.0.1:{proxy.port}" for proxy in proxies]
            finally:
                leaving.set()
                thread.join()
                for proxy in proxies:
                    proxy.fault = NONE


def calls(how: str, count: int, urls: list[str]) -> Any:
    """What `deadline_caller.py` found."""
    command = [sys.executable, str(Path(__file__).with_name("deadline_caller.py")), how, str(count), *urls]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("how", ["one by one", "hedged"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_faulted_call_ends_after_its_deadline(protocol: str, how: str) -> None:
    with faulted(protocol, seed=3) as urls:
        found = calls(how, CALLS, urls)
    assert sum(found["ends"].values()) == 2 * CALLS
    assert len(found["ends"]) >= 4, found
    latest_s = found["late_s"][-1]
    print(
        f"case 20: {2 * CALLS} faulted calls over {protocol}, attempts {how}: the latest ended "
        f"{latest_s * 1000:+.0f} ms after its deadline, of {LATE_S * 1000:g} ms; {found['ends']}"
    )
    assert latest_s <= LATE_S, found


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_attempts_that_take_no_notice_of_the_deadline_are_noticed(protocol: str) -> None:
    with faulted(protocol, seed=3) as urls:
        found = calls("patient", 30, urls)
    assert found["late_s"][-1] > LATE_S
