"""Case 38: slow clients cost the others nothing."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from edges import HEADER, ask_http, edge_before, http_request, raw_http_request
from triptych import contract
from triptych_ops.runtime import Server
from triptych_ops.runtime.edge import Edge, Limits, listeners
from triptych_ops.runtime.edge import routes as edge_routes

from .load import Load, Sample, percentile

COUNT = 500
RATE_PER_S = 15.0  # a tenth of what two cores classify
WINDOW_S = 14.0
_SCRIPT = Path(__file__).with_name("slow_clients.py")


@contextmanager
def slow_clients(mode: str, port: int) -> Iterator[None]:
    """500 of them, connected and at work."""
    command = [sys.executable, str(_SCRIPT), mode, str(port), str(COUNT)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(1)
        yield
        assert process.poll() is None
        process.stdin.close()


def answered(edge: Edge, photograph: bytes) -> list[Sample]:
    """What an ordinary client at a low rate gets."""
    load = Load(edge.settings.http_port, raw_http_request([photograph]))
    try:
        return load.open(RATE_PER_S, WINDOW_S)
    finally:
        load.close()


@pytest.mark.parametrize("mode", ["head", "body", "read", "idle"])
def test_others_do_not_notice_slow_clients(server: Server, photograph: bytes, mode: str) -> None:
    # Slow ones are turned away and come again, all the while; but who reads slowly would not notice.
    limits = Limits(head_timeout_s=4, request_timeout_s=5, idle_timeout_s=60 if mode == "read" else 5)
    with edge_before(server.ports, limits=limits) as edge:
        answered(edge, photograph)
        alone = percentile([sample.latency_s for sample in answered(edge, photograph)], 0.99)
        with slow_clients(mode, edge.settings.http_port):
            samples = answered(edge, photograph)
            connections = edge.administration.statistics(r"^http\.http\.downstream_cx_active$")
        beside = percentile([sample.latency_s for sample in samples], 0.99)
        failed = [sample for sample in samples if sample.status != 200]
        ratio = beside / alone
        print(
            f"case 38: slow {mode}: p99 {beside * 1e3:.0f} ms beside {COUNT} slow clients, {alone * 1e3:.0f} ms alone: "
            f"{ratio:.2f}x (bound 2x), {len(failed)} of {len(samples)} failed"
        )
        assert sum(connections.values()) >= COUNT / 2  # some are between two connections
        assert not failed
        assert ratio <= 2


_GUARDS = edge_routes.GUARDS


def unbuffered(filters: Callable[..., list[dict[str, Any]]]) -> Callable[..., list[dict[str, Any]]]:
    """The edge's filters without those that wait for a whole body."""

    def kept(*args: Any, **kwargs: Any) -> list[dict[str, Any]]:
        return [found for found in filters(*args, **kwargs) if found["name"] not in _GUARDS]

    return kept


def test_without_waiting_for_whole_requests_slow_bodies_take_every_place(
    server: Server, photograph: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    monkeypatch.setattr(listeners, "_filters", unbuffered(listeners._filters))
    monkeypatch.setattr(edge_routes, "GUARDS", ())
    with edge_before(server.ports) as edge, slow_clients("body", edge.settings.http_port):
        body, headers = http_request([photograph])
        assert ask_http(edge.settings.http_port, body, headers).status == 429


def test_who_reads_slowly_holds_no_place(server: Server, photograph: bytes) -> None:
    """Five clients, none of which reads its answer of 164 KB, one after the other take the one place of this edge."""
    request = raw_http_request([photograph] * 32, outputs=[contract.EMBEDDING])
    with edge_before(server.ports, limits=Limits(max_concurrent=1)) as edge, ExitStack() as stack:
        for taken in range(1, 6):
            reader = stack.enter_context(socket.socket())
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            reader.connect(("127.0.0.1", edge.settings.http_port))
            reader.sendall(request)
            while gauge(edge, "rq_total") < taken or gauge(edge, "rq_active"):
                time.sleep(0.02)
        assert ask_http(edge.settings.http_port, photograph, {HEADER: "0"}).status == 200


def gauge(edge: Edge, name: str) -> int:
    """Of the requests that the edge sent to Triton."""
    return sum(edge.administration.statistics(rf"^cluster\.triton\.upstream_{name}$").values())
