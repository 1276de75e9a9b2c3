"""Case 5: SIGTERM while 50 idle connections are kept alive and requests are under way."""

import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from commands import gone
from traffic.closed import Call, call
from triptych import Client
from triptych_ops.runtime import Ports, Server, find_installation

from .served import Watched

IDLE = 50
IMAGES = 32
LONGER_S = 5.0  # than the longest request


def test_idle_connections_do_not_hold_it_up(store: Path, tmp_path: Path) -> None:
    with Watched(store, tmp_path) as serving, _idle_connections(serving.ports.http):
        processes = serving.children()
        with _under_way(serving.ports) as calls:
            asked_s = time.monotonic()
            status, said = serving.stop(signal.SIGTERM)
            exit_s = time.monotonic() - asked_s
    longest_s = max(one.ended_s - one.began_s for one in calls)
    assert (status, said) == (0, "stopping\nstopped")
    assert all(one.right for one in calls), calls
    assert exit_s <= LONGER_S + longest_s
    assert gone(processes, within_s=0)
    assert serving.traces() == set()
    print(
        f"case 5: with {IDLE} idle connections it ended {exit_s:.1f} s after SIGTERM (<= {LONGER_S:g} + the longest "
        f"request, {longest_s:.1f}); {len(calls)} requests under way over gRPC and HTTP were all answered"
    )


def test_triton_alone_waits_for_idle_connections_and_loses_what_is_under_way(store: Path) -> None:
    """The control: the same signal to tritonserver itself."""

    def copy(folder: Path) -> None:
        shutil.copytree(store / "releases" / "1" / "repository", folder)

    with Server(find_installation(os.environ), copy, Ports.free()) as server:
        server.wait_ready()
        with _under_way(server.ports, urls=[server.ports.grpc_url] * 4) as calls:
            psutil.Process(server.pid).terminate()
        assert "right" not in {one.error or "right" for one in calls[-1:]}
        assert [one for one in calls if one.error]
    with Server(find_installation(os.environ), copy, Ports.free()) as server:
        server.wait_ready()
        with _idle_connections(server.ports.http):
            process = psutil.Process(server.pid)
            began_s = time.monotonic()
            process.terminate()
            while process.status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.02)
            assert time.monotonic() - began_s > LONGER_S


@contextmanager
def _idle_connections(port: int) -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(IDLE):
            idle = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            idle.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200" in idle.recv(1000)
        yield


@contextmanager
def _under_way(ports: Ports, *, urls: list[str] | None = None) -> Iterator[list[Call]]:
    """Requests that are under way when the block begins; how they ended, after it."""
    calls: list[Call] = []
    urls = urls or [ports.grpc_url, ports.http_url] * 2
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(url)) for url in urls]
        for client in clients:
            assert client.health().ok
        pool = stack.enter_context(ThreadPoolExecutor(len(clients)))
        asked = [pool.submit(call, client, images=IMAGES, timeout_s=20) for client in clients]
        time.sleep(0.1)
        yield calls
        calls += sorted((one.result() for one in asked), key=lambda one: one.ended_s)
