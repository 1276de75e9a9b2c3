"""Nobody gets somebody else's answer, and a crowd leaves nothing behind."""

import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from callers import PROTOCOLS
from triptych import Client, ProtocolError
from triptych.endpoint import Endpoint
from triptych.testing import FakeServer, label
from triptych.transports.grpc_transport import GrpcTransport
from triptych.transports.http_transport import HttpTransport
from triptych.transports.transport import InferRequest, InferResponse, Transport

TESTS = Path(__file__).parents[2]
THREADS, IMAGES = 64, 1000
TASKS, ROUNDS = 1000, 4
GROWTH_BYTES = 16 << 20


def crowd(how: str, url: str, count: int, images: int) -> Any:
    """What `crowd.py` found."""
    command = [sys.executable, str(Path(__file__).with_name("crowd.py")), how, url, str(count), str(images)]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("how", "count", "images"), [("threads", THREADS, IMAGES), ("tasks", TASKS, ROUNDS)])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nobody_gets_another_s_answer_and_nothing_is_left(protocol: str, how: str, count: int, images: int) -> None:
    with FakeServer() as server:
        found = crowd(how, PROTOCOLS[protocol](server), count, images)
    descriptors, threads, grown_bytes = found["more"]
    print(
        f"case 25: {count} {how} x {images} unique images over {protocol}: {found['swapped']} of "
        f"{found['right'] + found['swapped']} answers swapped; left {max(0, descriptors)} descriptors, "
        f"{max(0, threads)} threads, {grown_bytes / 2**20:.1f} MiB of {GROWTH_BYTES / 2**20:g} MiB"
    )
    assert found["right"] == count * images
    assert found["swapped"] == 0
    assert descriptors <= 0
    assert threads <= 0
    assert grown_bytes <= GROWTH_BYTES


def test_a_leak_is_noticed() -> None:
    with FakeServer() as server:
        found = crowd("leaky", server.http_url, THREADS, IMAGES // 2)
    assert found["more"][2] > GROWTH_BYTES


class Swapping:
    """Gives each request the answer of the one before."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._lock = threading.Lock()
        self._last: InferResponse | None = None
        self.parameters = transport.parameters
        self.close = transport.close

    def infer(self, request: InferRequest) -> InferResponse:
        answer = self._transport.infer(replace(request))
        with self._lock:
            swapped, self._last = self._last or answer, answer
        return swapped


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_swapped_answer_is_refused(protocol: str) -> None:
    def connect(endpoint: Endpoint) -> Transport:
        return Swapping(GrpcTransport(endpoint) if endpoint.is_grpc else HttpTransport(endpoint))

    with FakeServer() as server, Client(PROTOCOLS[protocol](server), connect=connect) as client:
        assert client.classify(b"0").top.label == label(b"0")
        for number in range(1, 4):
            with pytest.raises(ProtocolError, match="belongs to another request"):
                client.classify(b"%d" % number)
