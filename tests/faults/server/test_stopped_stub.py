"""Case 2: a python stub is stopped by SIGSTOP. And the control of cases 1 and 2: Triton without a supervisor."""

import os
import shutil
import signal
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from commands import gone
from traffic.closed import Load
from triptych_ops.runtime import Ports, Server, find_installation

from .served import Watched, await_true, closed, serves

DEADLINE_S = 1.0
OVER_S = 0.05
NOTICED_WITHIN_S = 15.0
SERVING_WITHIN_S = 30.0


def test_a_stopped_stub_is_replaced_and_no_client_waits_for_it(store: Path, tmp_path: Path) -> None:
    with Watched(store, tmp_path) as serving:
        urls = [serving.ports.grpc_url, serving.ports.http_url]
        with Load(urls, timeout_s=DEADLINE_S) as load:
            time.sleep(1)
            stopped_s = time.monotonic()
            serving.living_stubs()["classifier"].suspend()
            noticed_s = serving.heard("the stub of classifier ", since_s=stopped_s, within_s=NOTICED_WITHIN_S)
        serving_s = await_true(
            partial(serves, serving.ports), since_s=stopped_s, within_s=SERVING_WITHIN_S, what="serving again"
        )
    over_s = max(one.ended_s - one.began_s for one in load.calls) - DEADLINE_S
    assert not load.outcomes()["wrong"]
    assert -OVER_S < over_s <= OVER_S  # below, no call met the stopped stub
    print(
        f"case 2: clients of a stopped stub end {over_s * 1000:.0f} ms after their deadline (<= {OVER_S * 1000:g}); "
        f"noticed after {noticed_s:.1f} s (<= {NOTICED_WITHIN_S:g}), serving again after {serving_s:.1f} s"
    )


@pytest.mark.parametrize("name", ["tritonserver", "envoy"])
def test_case_50_any_stopped_process_is_noticed_and_replaced(store: Path, tmp_path: Path, name: str) -> None:
    edge = Ports.free()
    options = ("--edge", "--edge-http-port", edge.http, "--edge-grpc-port", edge.grpc)
    with Watched(store, tmp_path, *options) as serving:
        (process,) = (found for found in serving.children() if found.name().startswith(name))
        stopped_s = time.monotonic()
        process.suspend()
        word = name if name == "envoy" else "tritonserver (pid"
        noticed_s = serving.heard(word, since_s=stopped_s, within_s=SERVING_WITHIN_S)
        serving_s = await_true(
            lambda: serves(serving.ports) and serves(edge, known=False),
            since_s=stopped_s,
            within_s=SERVING_WITHIN_S,
            what="serving again, the edge too",
        )
        assert gone([process], within_s=1)
    print(f"case 50: {name} stopped: noticed after {noticed_s:.1f} s, serving again after {serving_s:.1f} s (<= 30)")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_without_a_supervisor_it_is_never_replaced(store: Path, number: signal.Signals) -> None:
    """The control: Triton alone goes on to call itself ready."""
    repository = store / "releases" / "1" / "repository"

    def copy(folder: Path) -> None:
        shutil.copytree(repository, folder)

    with Server(find_installation(os.environ), copy, Ports.free()) as server:
        server.wait_ready()
        (stub,) = (
            process
            for process in psutil.Process(server.pid).children()
            if "/classifier/" in " ".join(process.cmdline()[:2])
        )
        stub.send_signal(number)
        began_s = time.monotonic()
        with pytest.raises(AssertionError, match="not within"):
            await_true(partial(closed, server.ports), since_s=began_s, within_s=NOTICED_WITHIN_S, what="not ready")
        assert not serves(server.ports)
