"""How an edge starts, answers before its Triton does, and leaves."""

import json
import os
import resource
import signal
import threading
from pathlib import Path

import psutil
import pytest

from edges import ask_grpc, ask_http, ask_raw, edge_before, free_settings, grpc_bytes, http_request
from triptych_ops.errors import OpsError
from triptych_ops.runtime.edge import ApiKey, Edge, Limits, Upstream
from triptych_ops.runtime.edge import process as edge_process
from triptych_ops.runtime.ports import Ports

from .upstream import FakeTriton

BODY, HEADERS = http_request([b"\xff\xd8"])


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Temporary files of this test's own."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_it_leaves_nothing_and_hides_its_keys(behind: FakeTriton, scratch: Path) -> None:
    with edge_before(behind.ports, api_keys=(ApiKey("a", "k" * 20),)) as edge:
        envoy = psutil.Process(edge.pid)
        (folder,) = scratch.iterdir()
        assert folder.stat().st_mode & 0o077 == 0
        assert [
            file.name for file in folder.iterdir() if file.stat().st_mode & 0o077 and file.name != "envoy.log"
        ] == []
        assert "k" * 20 not in " ".join(envoy.cmdline())
        edge.check_alive()
    assert not envoy.is_running()
    assert list(scratch.iterdir()) == []
    with pytest.raises(OpsError, match="envoy was ended"):
        edge.check_alive()


def test_what_is_under_way_is_finished_and_nothing_more_is_taken(
    behind: FakeTriton, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(behind, "delay_s", 0.5)
    before, statuses = len(behind.bodies), list[int]()
    with edge_before(behind.ports) as edge:
        asking = threading.Thread(
            target=lambda: statuses.append(ask_http(edge.settings.http_port, BODY, HEADERS).status)
        )
        asking.start()
        while len(behind.bodies) == before:
            pass
    asking.join()
    assert statuses == [200]
    with pytest.raises(ConnectionRefusedError):
        ask_http(edge.settings.http_port, BODY, HEADERS)


def test_an_ended_envoy_is_noticed_and_started_anew(behind: FakeTriton) -> None:
    with edge_before(behind.ports) as edge:
        os.kill(edge.pid, signal.SIGKILL)
        with pytest.raises(OpsError, match="envoy was ended by SIGKILL"):
            wait_ended(edge)
        edge.restart()
        edge.check_alive()
        assert ask_http(edge.settings.http_port, BODY, HEADERS).status == 200


def wait_ended(edge: Edge) -> None:
    while True:
        edge.check_alive()


def test_an_absent_triton_is_a_typed_error() -> None:
    with edge_before(Ports.free()) as edge:
        answer = ask_http(edge.settings.http_port, BODY, HEADERS)
        assert (answer.status, answer.error) == (503, "the server does not answer; try again")
        assert answer.headers["retry-after"] == "1"
        status = ask_grpc(edge.settings.grpc_port, grpc_bytes([b""]))
        assert status == ("UNAVAILABLE", "the server does not answer; try again")


def test_a_slow_triton_is_a_typed_error(behind: FakeTriton, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behind, "delay_s", 0.6)
    with edge_before(behind.ports, limits=Limits(answer_timeout_s=0.2)) as edge:
        answer = ask_http(edge.settings.http_port, BODY, HEADERS)
        assert (answer.status, answer.error) == (504, "the server did not answer within 0.2 s")
        status = ask_grpc(edge.settings.grpc_port, grpc_bytes([b""]))
        assert status == ("DEADLINE_EXCEEDED", "the server did not answer within 0.2 s")


def test_one_too_many_is_told_when_to_come_back(behind: FakeTriton, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behind, "delay_s", 0.5)
    before = len(behind.bodies)
    with edge_before(behind.ports, limits=Limits(max_concurrent=1)) as edge:
        first = threading.Thread(target=ask_http, args=(edge.settings.http_port, BODY, HEADERS))
        first.start()
        while len(behind.bodies) == before:
            pass
        answer = ask_http(edge.settings.http_port, BODY, HEADERS)
        assert (answer.status, answer.error) == (429, "overloaded: 1 requests are under way; try again")
        assert answer.headers["retry-after"] == "1"
        status = ask_grpc(edge.settings.grpc_port, grpc_bytes([b""]))  # one limit for both
        assert status == ("RESOURCE_EXHAUSTED", "overloaded: 1 requests are under way; try again")
        first.join()
        assert ask_http(edge.settings.http_port, BODY, HEADERS).status == 200


def test_a_request_that_does_not_arrive_in_time_is_told_so(behind: FakeTriton) -> None:
    with edge_before(behind.ports, limits=Limits(request_timeout_s=0.3)) as edge:
        answer = ask_http(edge.settings.http_port, b"short", {**HEADERS, "content-length": "50"})
        assert (answer.status, answer.error) == (408, "the request was not complete within 0.3 s")


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_busy_port_is_named(behind: FakeTriton, edge: Edge, protocol: str) -> None:
    busy = getattr(edge.settings, f"{protocol}_port")
    with (
        pytest.raises(OpsError, match=f"port {busy} is in use; choose another with --edge-{protocol}-port"),
        edge_before(behind.ports, **{f"{protocol}_port": busy}),
    ):
        pass


def test_a_strange_address_is_named(behind: FakeTriton) -> None:
    with (
        pytest.raises(OpsError, match=r"192\.0\.2\.1 is no address of this machine"),
        edge_before(behind.ports, address="192.0.2.1"),
    ):
        pass


def test_envoys_own_reason_is_told(behind: FakeTriton, monkeypatch: pytest.MonkeyPatch, scratch: Path) -> None:
    monkeypatch.setattr(edge_process, "configuration", lambda *_, **__: {"envoy.json": {"no_such_thing": 1}})
    with pytest.raises(OpsError, match=r"envoy ended with status 1: .*no_such_thing"), edge_before(behind.ports):
        pass
    assert list(scratch.iterdir()) == []


def test_a_program_that_is_no_envoy_is_told(scratch: Path) -> None:
    program = scratch / "envoy"
    program.write_text("#!/bin/sh\necho I am none; exit 7\n", encoding="utf-8")
    program.chmod(0o755)
    with (
        pytest.raises(OpsError, match="envoy ended with status 7: I am none"),
        Edge(program, free_settings(), Upstream(1, 2)),
    ):
        pass


def test_a_program_that_went_away_is_told(scratch: Path) -> None:
    with (
        pytest.raises(OpsError, match=r"envoy cannot be started: No such file or directory: .*/gone"),
        Edge(scratch / "gone", free_settings(), Upstream(1, 2)),
    ):
        pass
    assert list(scratch.iterdir()) == []


def test_a_folder_may_lie_deeper_than_a_socket(
    behind: FakeTriton, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * 200)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with edge_before(behind.ports) as edge:
        assert edge.administration.ready()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v2/models/image_classifier%2finfer", "escaped slash"),
        ("/v2/models/image_classifier%5Cinfer", "escaped slash"),
        ("/v2/%00", "escaped slash"),
        ("/v2/models#infer", "escaped slash"),
        ("/v2/models/other/infer", "only inference"),
    ],
)
def test_every_refusal_has_words(behind: FakeTriton, path: str, words: str) -> None:
    with edge_before(behind.ports) as edge:
        answer = ask_raw(
            edge.settings.http_port, f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n".encode()
        )
        assert words in json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
        nameless = ask_raw(edge.settings.http_port, b"POST /v2 HTTP/1.1\r\ncontent-length: 0\r\n\r\n")
        assert json.loads(nameless.partition(b"\r\n\r\n")[2])["error"] == "the request has no header host"


def test_envoy_gets_the_descriptors_that_its_limits_need(behind: FakeTriton) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        with edge_before(behind.ports, limits=Limits(max_connections=4096)) as edge:
            given, _ = psutil.Process(edge.pid).rlimit(psutil.RLIMIT_NOFILE)
            assert edge_process.missing_descriptors(edge.settings) is None
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 1024  # ours is not touched
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert given > 4096


def test_too_few_descriptors_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1024))
    line = edge_process.missing_descriptors(free_settings(limits=Limits(max_connections=4096)))
    assert line is not None
    assert line.startswith("--max-connections 4096 can need 4")
    assert "this process may have 1024" in line
    assert edge_process.missing_descriptors(free_settings(limits=Limits(max_connections=100))) is None
