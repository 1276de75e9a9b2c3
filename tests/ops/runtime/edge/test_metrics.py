"""The edge's port for Prometheus: statistics, and nothing else of Envoy's administration."""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from edges import LOOPBACK, ask_grpc, ask_http, ask_raw, edge_before, grpc_bytes, http_request
from triptych_ops.errors import UsageError
from triptych_ops.runtime.edge import Edge, EdgeSettings, Limits, Upstream, configuration
from triptych_ops.runtime.edge.metrics import metrics_listener
from triptych_ops.runtime.ports import Ports

from .upstream import FakeTriton

BODY, HEADERS = http_request([b"\xff\xd8"])
_CONNECTIONS = 3
_CALLS = re.compile(r'^envoy_cluster_grpc_ModelInfer\{.*grpc_status="(\d+)"\} (\d+)$', re.MULTILINE)


@pytest.fixture(scope="module")
def told(behind: FakeTriton) -> Iterator[Edge]:
    """An edge with a port for metrics, which takes few connections."""
    limits = Limits(max_connections=_CONNECTIONS)
    with edge_before(behind.ports, metrics_port=Ports.free().metrics, limits=limits) as running:
        yield running


def port(edge: Edge) -> int:
    assert edge.settings.metrics_port is not None
    return edge.settings.metrics_port


def test_it_tells_what_the_objectives_are_measured_by(told: Edge) -> None:
    assert ask_http(told.settings.http_port, BODY, HEADERS).status == 200
    answer = ask_http(port(told), None, path="/metrics", method="GET")
    assert answer.status == 200
    text = answer.body.decode()
    for sample in (
        r'envoy_http_downstream_rq_xx\{envoy_response_code_class="2",envoy_http_conn_manager_prefix="http"\} 1\b',
        r'envoy_http_downstream_rq_time_bucket\{envoy_http_conn_manager_prefix="http",le="250"\} \d',
        r"envoy_server_days_until_first_cert_expiring\b",
    ):
        assert re.search(sample, text), sample
    series = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(series) < 200
    print(f"{len(series)} series, {len(text) // 1024} KiB")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/metrics"),
        ("HEAD", "/metrics"),
        ("GET", "/metrics?filter=.*"),
        ("GET", "/metrics/"),
        ("GET", "/metrics/../quitquitquit"),
        ("GET", "//metrics"),
        ("GET", "/%6detrics"),
        *(("GET", path) for path in ("/", "/stats", "/stats/prometheus", "/config_dump", "/certs", "/listeners")),
        *(
            ("POST", path)
            for path in ("/quitquitquit", "/healthcheck/fail", "/drain_listeners", "/logging?level=trace")
        ),
        ("POST", "/v2/models/image_classifier/infer"),
    ],
)
def test_nothing_else_of_the_administration_is_reachable(told: Edge, method: str, path: str) -> None:
    answer = ask_http(port(told), None, path=path, method=method)
    assert answer.status == 404
    assert answer.body in (b"only GET /metrics is served here\n", b"")  # none for HEAD
    assert told.administration.ready()


def test_calls_that_fail_are_told_by_their_status_since_http_says_200_of_all(told: Edge) -> None:
    def calls() -> dict[str, int]:
        text = ask_http(port(told), None, path="/metrics", method="GET").body.decode()
        return {status: int(count) for status, count in _CALLS.findall(text)}

    before = calls()
    grpc_port = told.settings.grpc_port
    assert ask_grpc(grpc_port, grpc_bytes([b"\xff\xd8"]))[0] == "OK"
    assert ask_grpc(grpc_port, b"{}")[0] == "INVALID_ARGUMENT"
    grown = {status: count - before.get(status, 0) for status, count in calls().items()}
    assert grown == {"0": 1, "3": 1}
    text = ask_http(port(told), None, path="/metrics", method="GET").body.decode()
    assert not re.search(
        r'rq_xx\{envoy_response_code_class="[345]",envoy_http_conn_manager_prefix="grpc"\} [1-9]', text
    )


def test_no_port_of_the_edge_but_that_tells_them(told: Edge) -> None:
    assert ask_http(told.settings.http_port, None, path="/metrics", method="GET").status == 404


def test_an_edge_that_takes_no_more_connections_says_so(told: Edge) -> None:
    assert _metrics_of_a_full(told)


def test_that_it_could_not_say_so_as_one_of_its_usual_ports_would_be_found(
    behind: FakeTriton, monkeypatch: pytest.MonkeyPatch
) -> None:
    def limited(settings: EdgeSettings, port: int) -> dict[str, Any]:
        return metrics_listener(settings, port) | {"bypass_overload_manager": False}

    module = import_module("triptych_ops.runtime.edge.configuration")  # the package has a function of that name
    monkeypatch.setattr(module, "metrics_listener", limited)
    limits = Limits(max_connections=_CONNECTIONS)
    with edge_before(behind.ports, metrics_port=Ports.free().metrics, limits=limits) as edge:
        assert not _metrics_of_a_full(edge)


def _metrics_of_a_full(edge: Edge) -> bytes:
    with ExitStack() as held:
        for _ in range(_CONNECTIONS):
            connection = held.enter_context(
                closing(socket.create_connection((LOOPBACK, edge.settings.http_port), timeout=5))
            )
            connection.sendall(b"POST / HTTP/1.1\r\n")  # half a head
        request = b"GET /metrics HTTP/1.1\r\nhost: edge\r\n\r\n"
        for _ in range(20):  # the limit is looked at ten times a second
            answer = ask_raw(port(edge), request, timeout_s=2)
            if not answer:
                break
        return answer


def test_without_an_administration_there_is_nothing_to_tell() -> None:
    with pytest.raises(UsageError, match="come from its administration"):
        configuration(EdgeSettings(metrics_port=8082), Upstream(18000, 18001), folder=Path("/run/edge"))
