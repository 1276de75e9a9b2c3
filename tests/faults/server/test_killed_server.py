"""Case 3: tritonserver is killed while it works."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from commands import gone
from traffic.closed import Call, call
from triptych import Client

from .served import Watched, await_true, serves

ROUNDS, KILLS = 4, 5  # a supervisor gives up when one server fails again and again
DEADLINE_S = 5.0
OVER_S = 0.05
IMAGES = 16  # of a request: long enough to be met in its middle


@pytest.mark.timeout(600)
def test_every_call_ends_typed_and_nothing_is_left(store: Path, tmp_path: Path) -> None:
    draw = random.Random(3)  # noqa: S311  a test's
    calls: list[Call] = []
    serving_s: list[float] = []
    for number in range(ROUNDS):
        scratch = tmp_path / str(number)
        scratch.mkdir()
        with Watched(store, scratch) as serving:
            for _ in range(KILLS):
                before = _regions(serving)
                assert before, "the check of /dev/shm sees nothing"
                killed_s, ended = _kill_in_the_middle(serving, after_s=draw.uniform(0.02, 0.2))
                calls += ended
                serving_s.append(
                    await_true(partial(serves, serving.ports), since_s=killed_s, within_s=30, what="serving again")
                )
                serving.heard("serving again after ", since_s=killed_s, within_s=5)
                assert len(_regions(serving)) == len(serving.children()) - 1  # one of each stub
                assert not _regions(serving) & before
            processes = serving.children()
        assert not _regions(serving)
        assert gone(processes, within_s=0)
    assert all(one.right or one.error for one in calls)
    longest_s = max(one.ended_s - one.began_s for one in calls)
    assert longest_s <= DEADLINE_S + OVER_S
    failed = [one for one in calls if one.error]
    assert len(failed) >= ROUNDS * KILLS, "the kills met too few requests"
    kinds = sorted({one.error for one in failed if one.error})
    print(
        f"case 3: {ROUNDS * KILLS} kills met {len(failed)} of {len(calls)} requests, "
        f"each ended typed ({', '.join(kinds)}) within {longest_s:.2f} s (<= {DEADLINE_S + OVER_S:g}); "
        f"no orphan in /dev/shm; serving again after {max(serving_s):.1f} s at most"
    )


def _kill_in_the_middle(serving: Watched, *, after_s: float) -> tuple[float, list[Call]]:
    """Kill tritonserver while four requests are under way; when, and how they ended."""
    urls = [serving.ports.grpc_url, serving.ports.http_url] * 2
    clients = [Client(url) for url in urls]
    try:
        for client in clients[:2]:
            assert client.health().ok
        with ThreadPoolExecutor(len(clients)) as pool:
            asked = [pool.submit(call, client, images=IMAGES, timeout_s=DEADLINE_S) for client in clients]
            time.sleep(after_s)
            killed_s = time.monotonic()
            serving.tritonserver().kill()
            return killed_s, [one.result(timeout=DEADLINE_S + 5) for one in asked]
    finally:
        for client in clients:
            client.close()


def _regions(serving: Watched) -> set[Path]:
    found = {path for path in serving.traces() if path.parent == Path("/dev/shm")}  # noqa: S108
    return {path for path in found if not path.name.endswith("-owner")}
