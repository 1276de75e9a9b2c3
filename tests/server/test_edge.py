"""The edge in front of the real Triton, seen by the SDK."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edges import ask_grpc, ask_http, edge_before, grpc_bytes, http_request, triton
from triptych import Client
from triptych.health import image
from triptych_ops.runtime import Server
from triptych_ops.runtime.edge import Edge, Limits


@pytest.fixture(scope="module")
def server(store: Path) -> Iterator[Server]:
    with triton(store) as running:
        yield running


@pytest.fixture(scope="module")
def edge(server: Server) -> Iterator[Edge]:
    with edge_before(server.ports) as running:
        yield running


@pytest.fixture(params=["grpc", "http"])
def edge_url(edge: Edge, request: pytest.FixtureRequest) -> str:
    return edge.settings.grpc_url if request.param == "grpc" else edge.settings.http_url


def test_the_sdk_gets_the_same_answers(edge_url: str, server: Server) -> None:
    with Client(edge_url) as through, Client(server.ports.grpc_url) as direct:
        answer, known = through.classify(image()), direct.classify(image())
        assert (answer.top.label, answer.top.class_id) == (known.top.label, known.top.class_id)
        assert answer.top.score == pytest.approx(known.top.score, abs=1e-5)
        assert through.embed(image()).vector.shape == direct.embed(image()).vector.shape
        many = list(through.classify_many([image()] * 40, batch_size=32))
        assert len(many) == 40


def test_health_through_the_edge_is_an_inference(edge_url: str) -> None:
    with Client(edge_url) as client:
        state = client.health()
    assert (state.ok, state.known) == (True, False)  # the known answer is in the model's configuration, which is closed


def test_an_image_as_the_body_is_classified(edge: Edge) -> None:
    answer = ask_http(edge.settings.http_port, image(), {"Inference-Header-Content-Length": "0"})
    assert answer.status == 200
    assert b"espresso" in answer.body


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_overload_is_typed(server: Server, protocol: str) -> None:
    body, headers = http_request([image()] * 32)
    with edge_before(server.ports, limits=Limits(max_concurrent=1)) as edge:
        stop, statuses = threading.Event(), list[int]()

        def keep_it_busy() -> None:
            while not stop.is_set():
                statuses.append(ask_http(edge.settings.http_port, body, headers).status)

        busy = threading.Thread(target=keep_it_busy)
        busy.start()
        found = set[str]()
        while not found & {"429", "RESOURCE_EXHAUSTED"}:
            found.add(
                str(ask_http(edge.settings.http_port, body, headers).status)
                if protocol == "http"
                else ask_grpc(edge.settings.grpc_port, grpc_bytes([image()]))[0]
            )
        stop.set()
        busy.join()
        assert found <= {"200", "429", "OK", "RESOURCE_EXHAUSTED"}
        assert set(statuses) <= {200, 429}


def test_a_triton_that_is_away_is_unavailable_and_comes_back(store: Path) -> None:
    with triton(store) as server, edge_before(server.ports) as edge:
        server.end()
        assert ask_http(edge.settings.http_port, *http_request([image()])).status == 503
        assert ask_grpc(edge.settings.grpc_port, grpc_bytes([image()]))[0] == "UNAVAILABLE"
        server.restart()
        server.wait_ready()
        assert ask_http(edge.settings.http_port, *http_request([image()])).status == 200
        assert ask_grpc(edge.settings.grpc_port, grpc_bytes([image()]))[0] == "OK"
