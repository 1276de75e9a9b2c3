"""A watch of a server, and what it tells a kubelet."""

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from triptych.testing import FakeServer
from triptych_ops.errors import OpsError
from triptych_ops.runtime import Ports, Telling, Watch


@contextmanager
def _telling(ports: Ports, said: list[str]) -> Iterator[Callable[[str], tuple[int, bool | None]]]:
    """Ask for a path; the status, and what the document says."""

    def ask(path: str) -> tuple[int, bool | None]:
        connection = http.client.HTTPConnection("127.0.0.1", telling.port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, json.load(answer)["ok"]
        finally:
            connection.close()

    with Watch(ports, report=said.append) as watch, Telling(watch, address="127.0.0.1", port=0) as telling:
        yield ask


def _until(holds: Callable[[], bool], *, within_s: float = 5.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_server_that_answers_rightly_is_ready_and_lives() -> None:
    said: list[str] = []
    with FakeServer() as server:
        ports = Ports(int(server.http_url.rpartition(":")[2]), int(server.grpc_url.rpartition(":")[2]))
        with _telling(ports, said) as ask:
            assert ask("/readyz") == (503, False)
            assert ask("/livez") == (200, True)
            _until(lambda: ask("/readyz") == (200, True))
            assert ask("/livez") == (200, True)
            assert ask("/") == (200, True)
            assert ask("/metrics") == (404, None)
    assert [line.partition(":")[0] for line in said] == ["ready"]


def test_where_nobody_answers_it_is_never_ready() -> None:
    said: list[str] = []
    with _telling(Ports.free(), said) as ask:
        time.sleep(1)
        assert ask("/readyz") == (503, False)
    assert said == []


def test_a_port_that_is_taken_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        watch = Watch(Ports.free(), report=print)
        with (
            pytest.raises(OpsError, match=f"cannot listen on 127.0.0.1 port {port}: .*; choose another"),
            Telling(watch, address="127.0.0.1", port=port),
        ):
            pass
