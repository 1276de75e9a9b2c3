import threading
from collections.abc import Callable

import pytest

from triptych import UnavailableError
from triptych.endpoint import Endpoint
from triptych.transports.connections import Connections

A, B, C = (Endpoint.from_url(f"grpc://{name}") for name in "abc")


@pytest.fixture
def made() -> list[str]:
    return []


@pytest.fixture
def connections(made: list[str]) -> Connections[str]:
    def connect(endpoint: Endpoint) -> str:
        made.append(endpoint.host)
        return f"to {endpoint.host}"

    return Connections(connect)


def test_a_transport_is_made_when_it_is_needed_and_once(connections: Connections[str], made: list[str]) -> None:
    assert made == []
    assert [connections.to(each) for each in (A, B, A)] == ["to a", "to b", "to a"]
    assert made == ["a", "b"]


def test_threads_that_need_it_at_once_get_the_same() -> None:
    begin = threading.Barrier(8)
    connections, got = Connections(lambda _: object()), []

    def work() -> None:
        begin.wait()
        got.append(connections.to(A))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, got))) == 1


def test_closed_it_gives_back_what_there_is_and_makes_no_more(connections: Connections[str]) -> None:
    connections.check_open()
    connections.to(A)
    connections.to(B)
    assert connections.close() == ["to a", "to b"]
    refused: list[Callable[[], object]] = [connections.check_open, lambda: connections.to(C)]
    for ask in refused:
        with pytest.raises(UnavailableError, match="closed"):
            ask()


def test_a_transport_is_kept_for_a_while_after_its_server_has_gone(
    connections: Connections[str], made: list[str]
) -> None:
    for each in (A, B, C):
        connections.to(each)
    assert connections.outlived([A, B, C], 0.0) == []
    assert connections.outlived([A], 10.0) == []
    assert connections.outlived([A, C], 50.0) == []  # one is back
    assert connections.outlived([A], 60.0) == []
    assert connections.outlived([A], 70.1) == ["to b"]
    assert connections.outlived([A], 119.0) == []
    assert connections.outlived([A], 120.1) == ["to c"]
    assert connections.outlived([A], 999.0) == []
    connections.to(B)
    assert made == ["a", "b", "c", "b"]
    assert connections.outlived([A], 1000.0) == []


def test_one_that_cannot_be_made_is_tried_again() -> None:
    attempts: list[Endpoint] = []

    def connect(endpoint: Endpoint) -> str:
        attempts.append(endpoint)
        if len(attempts) == 1:
            raise UnavailableError("no")
        return "transport"

    connections = Connections(connect)
    with pytest.raises(UnavailableError):
        connections.to(A)
    assert connections.to(A) == "transport"
