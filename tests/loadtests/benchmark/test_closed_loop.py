import statistics

import pytest

from loadtests.benchmark.answers import read_json
from loadtests.benchmark.closed_loop import StuckError, run_closed_loop
from loadtests.benchmark.http_messages import post
from loadtests.benchmark.load import Load, Question

from .small_server import RIGHT, SmallServer, answer

_DELAY_S = 0.02
_WRONG = b'{"predictions": [{"class_id": 4}]}'


def run(
    server: SmallServer, *, connections: int = 4, body: bytes = b"image", stuck_s: float = 5.0, seconds: float = 0.2
) -> Load:
    questions = [Question(post("/classify", body), frozenset({RIGHT}))]
    return run_closed_loop(
        server.address, questions, read_json, connections=connections, seconds=seconds, warm_up_s=0.05, stuck_s=stuck_s
    )


def test_each_connection_has_one_request_under_way() -> None:
    with SmallServer(delay_s=_DELAY_S) as server:
        load = run(server, seconds=0.4)
    assert load.errors == {}
    assert server.connections == 4
    assert 0.7 * 4 / _DELAY_S < load.per_s <= 1.05 * 4 / _DELAY_S
    assert _DELAY_S <= statistics.median(load.latencies_s) < 2 * _DELAY_S
    assert load.answers == len(server.requests) >= len(load.latencies_s)


def test_a_slower_server_is_seen_to_be_slower() -> None:
    with SmallServer(delay_s=_DELAY_S) as quick, SmallServer(delay_s=4 * _DELAY_S) as slow:
        loads = run(quick), run(slow)
    assert loads[0].per_s > 3 * loads[1].per_s
    assert min(loads[1].latencies_s) >= 4 * _DELAY_S


def test_the_generator_counts_its_own_time() -> None:
    with SmallServer(delay_s=0.001) as server:
        load = run(server)
    assert 0 < load.generator_s_per_request < 0.01


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (answer(_WRONG), "class 4 instead of [3]"),
        (answer(status="503 Service Unavailable"), "status 503"),
        (answer(b'{"predictions": []}'), "an answer that names no class"),
        (answer(b"no JSON"), "an answer that names no class"),
        (b"", "the connection was closed without an answer"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "no answer with a Content-Length"),
        (answer() + b"more", "bytes instead of"),
    ],
)
def test_one_bad_answer_among_good_ones_is_an_error_and_no_latency(bad: bytes, reason: str) -> None:
    with SmallServer(lambda number: bad if number == 7 else answer(), delay_s=0.005) as server:
        load = run(server, connections=2, seconds=0.05)
    (found,) = load.errors
    assert reason in found
    assert load.errors[found] == 1
    assert load.answers == len(server.requests) - 1


def test_a_server_that_closes_after_each_answer_is_called_anew() -> None:
    closing = answer(headers="Connection: close\r\n")
    with SmallServer(lambda _: closing, delay_s=0.005, closes=True) as server:
        load = run(server, connections=2)
    assert load.errors == {}
    assert server.connections == len(server.requests) == load.answers > 10


def test_large_images_are_sent_in_parts() -> None:
    body = bytes(range(256)) * 20_000  # 5 MB
    with SmallServer() as server:
        load = run(server, connections=2, body=body)
    assert load.errors == {}
    assert load.answers > 2
    assert all(request.endswith(body) for request in server.requests)


def test_a_silent_server_is_no_endless_wait() -> None:
    with (
        SmallServer(delay_s=3.0) as server,
        pytest.raises(StuckError, match=r"did not answer .* 0.2 s: 0 bytes not sent"),
    ):
        run(server, connections=2, stuck_s=0.2)


def test_the_questions_take_turns() -> None:
    questions = [Question(post("/", body), frozenset({RIGHT})) for body in (b"first", b"second")]
    with SmallServer(delay_s=0.002) as server:
        run_closed_loop(server.address, questions, read_json, connections=1, seconds=0.1, warm_up_s=0.0)
    bodies = [request.rpartition(b"\r\n\r\n")[2] for request in server.requests]
    assert bodies == [(b"first", b"second")[number % 2] for number in range(len(bodies))]
    assert len(bodies) > 4
