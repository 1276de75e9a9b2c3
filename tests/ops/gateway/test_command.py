"""`triptych gateway` as a process: how it starts, what it says, how it ends."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from commands import TRIPTYCH
from gateways import Answer, RunningGateway
from triptych.testing import FakeServer
from triptych_ops.errors import OpsError
from triptych_ops.gateway import Settings, run


@contextmanager
def _started(*arguments: object, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    command = [str(TRIPTYCH), "gateway", "--port", "0", *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_it_finishes_what_is_under_way(failing: FakeServer) -> None:
    answers: list[Answer] = []
    with _started("--url", failing.http_url, "--json") as process:
        announced = json.loads(_line(process))
        assert next(iter(announced)) == "schema_version"
        assert announced["servers"] == [failing.http_url]
        gateway = RunningGateway(announced["url"])
        assert gateway.address[0] == "127.0.0.1"
        gateway.classify(b"a cat")
        failing.answer_s = 0.8
        asking = threading.Thread(target=lambda: answers.append(gateway.classify(b"a slow cat")))
        asking.start()
        idle = gateway.connect()
        time.sleep(0.4)
        process.send_signal(signal.SIGTERM)
        asked_s = time.monotonic()
        _, errors = process.communicate(timeout=20)
        took_s = time.monotonic() - asked_s
        asking.join()
        idle.close()
    assert process.returncode == 0, errors
    assert errors.splitlines() == ["stopped"]
    assert [answer.status for answer in answers] == [200]
    assert took_s < 5


def test_the_servers_by_environment_and_what_does_not_end_in_time(failing: FakeServer, tmp_path: Path) -> None:
    (tmp_path / "triptych.toml").write_text("[gateway]\nstop-timeout = 1\n")
    failing.answer_s = 5.0
    environment = {
        "TRIPTYCH_CONFIG": str(tmp_path / "triptych.toml"),
        "TRIPTYCH_URL": f"{failing.http_url}, {failing.grpc_url}",
        "TRIPTYCH_GATEWAY_PORT": "tcp://10.0.0.1:8080",  # as Kubernetes sets it
    }
    answers: list[Answer] = []
    with _started(env=environment) as process:
        line = _line(process).split()
        assert line[-2:] == [f"{failing.http_url},", failing.grpc_url]
        gateway = RunningGateway(line[2])
        asking = threading.Thread(target=lambda: answers.append(gateway.classify(b"a slow cat")))
        asking.start()
        time.sleep(0.4)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
        asking.join()
    assert (process.returncode, errors) == (0, "stopped\n")
    assert [answer.kind for answer in answers] == ["stopping"]


def test_a_busy_port_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        settings = Settings(urls=["http://127.0.0.1:9"], port=port)
        with pytest.raises(OpsError) as caught:
            run(settings, started=print, report=print)
    assert str(caught.value) == (
        f"cannot listen on 127.0.0.1 port {port}: Address already in use; choose another --host or --port"
    )


@pytest.mark.parametrize(
    ("host", "on_loopback"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("10.0.0.1", False), ("a.b", False)],
)
def test_what_is_more_than_this_machine(host: str, *, on_loopback: bool) -> None:
    assert Settings(urls=[], host=host).on_loopback is on_loopback
