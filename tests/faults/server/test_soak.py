"""Case 8: half an hour of mixed load. `TRIPTYCH_SOAK_MINUTES` shortens it, which the result then says."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from traffic.closed import KNOWN_CLASS
from triptych import Classification, Client, ImageError, TriptychError, health

from .served import Watched, serves

MINUTES = 30.0
MEASURED_FROM = 1 / 3  # of the time: minute 10
GROWTH_BYTES = 100 << 20
EVERY_S = 2.0


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_it_does_not_grow(store: Path, tmp_path: Path) -> None:
    minutes = float(os.environ.get("TRIPTYCH_SOAK_MINUTES", MINUTES))
    ended: Counter[str] = Counter()
    with Watched(store, tmp_path) as serving:
        pids = {process.pid for process in serving.children()}
        samples = _sampled_under_load(serving, minutes * 60, ended)
        assert {process.pid for process in serving.children()} == pids
        assert serving.said == []
        assert serves(serving.ports)
    measured = [used for at, used in samples if at >= MEASURED_FROM]
    growth = max(measured) - measured[0]
    assert not ended["wrong"], ended
    assert growth <= GROWTH_BYTES
    shortened = "" if minutes >= MINUTES else f" SHORTENED to {minutes:g} minutes of {MINUTES:g}:"
    print(
        f"case 8:{shortened} {growth / 2**20:.0f} MB of growth after minute {minutes * MEASURED_FROM:.3g} "
        f"(<= {GROWTH_BYTES >> 20}), {measured[-1] / 2**20:.0f} MB at the end; {ended.total()} calls: "
        + ", ".join(f"{count} {name}" for name, count in ended.most_common())
    )


def _sampled_under_load(serving: Watched, seconds: float, ended: Counter[str]) -> list[tuple[float, int]]:
    """(share of the time, bytes of all processes) again and again."""
    stop = threading.Event()
    picture = health.image()
    noise = picture[: len(picture) // 2]
    with ExitStack() as stack:
        grpc = stack.enter_context(Client(serving.ports.grpc_url))
        http = stack.enter_context(Client(serving.ports.http_url))
        users: tuple[Callable[[], object], ...] = (
            lambda: _check(grpc.classify(picture)),
            lambda: _check(http.classify(picture)),
            lambda: _check(*_good(grpc, [picture] * 32)),
            lambda: _check(*_good(http, [picture, noise, b"", picture])),
            lambda: grpc.classify(noise),
            lambda: grpc.classify(picture, timeout_s=0.01),
            lambda: http.embed(picture),
        )
        threads = [threading.Thread(target=_use, args=(user, stop, ended)) for user in users]
        for thread in threads:
            thread.start()
        try:
            return _sampled(serving, seconds)
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)


def _sampled(serving: Watched, seconds: float) -> list[tuple[float, int]]:
    samples: list[tuple[float, int]] = []
    began_s = time.monotonic()
    while (at := (time.monotonic() - began_s) / seconds) < 1:
        processes = [psutil.Process(serving.process.pid), *serving.children()]
        # Shared memory is counted once.
        samples.append((at, sum(process.memory_full_info().pss for process in processes)))
        time.sleep(EVERY_S)
    return samples


def _use(user: Callable[[], object], stop: threading.Event, ended: Counter[str]) -> None:
    while not stop.wait(0.05):
        try:
            user()
            ended["answered"] += 1
        except TriptychError as error:
            ended[type(error).__name__] += 1
        except BaseException:
            ended["wrong"] += 1
            raise


def _check(*answers: Classification) -> None:
    assert answers
    assert all(answer.top.class_id == KNOWN_CLASS for answer in answers)


def _good(client: Client, images: list[bytes]) -> list[Classification]:
    return [one for one in client.classify_many(images, batch_size=32) if not isinstance(one, ImageError)]
