"""The control of a hang's detection: a server that is full, and one whose clients hang up, is left alone."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from traffic.closed import Load

from .served import Watched, await_true, serves

LOAD_S = 20.0  # several probes that are not answered


@pytest.mark.parametrize(("threads", "images", "timeout_s"), [(48, 32, 30.0), (16, 8, 0.1)], ids=["full", "hung up"])
def test_a_server_that_is_full_is_left_alone(
    store: Path, tmp_path: Path, threads: int, images: int, timeout_s: float
) -> None:
    with Watched(store, tmp_path) as serving:
        before = _pids(serving.children())
        urls = [serving.ports.grpc_url, serving.ports.http_url] * (threads // 2)
        with ExitStack() as stack:
            load = stack.enter_context(Load(urls, timeout_s=timeout_s, images=images))
            time.sleep(LOAD_S / 2)
            unanswered = not serves(serving.ports)
            time.sleep(LOAD_S / 2)
        await_true(lambda: serves(serving.ports), since_s=time.monotonic(), within_s=60, what="serving")
        assert unanswered, "the load was too small"
        assert serving.said == []
        assert _pids(serving.children()) == before
    assert not load.outcomes()["wrong"]


def _pids(processes: Sequence[psutil.Process]) -> set[int]:
    return {process.pid for process in processes}
