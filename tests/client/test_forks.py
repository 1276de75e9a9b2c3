"""Clients in child processes that were made by a fork; `tests/faults/client/test_forks.py` has the whole matrix."""

from collections import Counter
from pathlib import Path

import pytest

from callers import PROTOCOLS
from certificates import Authority
from forked import forked
from processes import python
from triptych.testing import Certificate, FakeServer

IN_CHILD = """
import os, sys, threading, time

def in_child(function):
    child = os.fork()
    if not child:
        try:
            function()
            sys.stdout.flush()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.parametrize("client", ["sync", "async"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_call_of_a_child_is_right_or_refused_at_once(protocol: str, client: str, server: FakeServer) -> None:
    url = PROTOCOLS[protocol](server)
    children, of_parent = forked(url=url, client=client, parent="idle", how="fork", children=2, calls=10)
    refused = (protocol, client) == ("grpc", "async")  # an open asynchronous channel keeps a thread inside gRPC
    assert Counter(each.result for each in children) == {"refused" if refused else "right": 20}
    assert of_parent == {"right": 1}
    assert all(each.seconds < 1.0 and "spawn" in each.words for each in children if refused)


def test_a_fork_waits_for_grpc_calls_that_are_nearly_done(server: FakeServer) -> None:
    server.answer_s = 0.1
    children, of_parent = forked(url=server.grpc_url, client="sync", parent="busy", how="fork", children=2, calls=2)
    assert {each.result for each in children} == {"right"}
    assert of_parent.keys() == {"right"}


def test_a_child_forked_during_a_long_grpc_call_is_told_so_at_once(server: FakeServer) -> None:
    server.answer_s = 1.5
    children, of_parent = forked(url=server.grpc_url, client="sync", parent="busy", how="fork", children=2, calls=2)
    assert {each.result for each in children} == {"refused"}
    assert all(each.seconds < 1.0 for each in children)
    assert all("was forked while its parent process was inside gRPC" in each.words for each in children)
    assert of_parent.keys() == {"right"}


def test_grpc_is_refused_where_its_support_for_forks_is_switched_off(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRPC_ENABLE_FORK_SUPPORT", "0")
    children, _ = forked(url=server.grpc_url, client="sync", parent="idle", how="fork", children=1, calls=2)
    assert {each.result for each in children} == {"refused"}
    assert "GRPC_ENABLE_FORK_SUPPORT" in children[0].words


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_child_leaves_the_connection_of_its_parent_alone(scheme: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    certificate = Certificate(*authority.issue("server")) if scheme == "https" else None
    with FakeServer(tls=certificate) as server:
        python(
            IN_CHILD
            + """
from triptych import Client, Tls
from triptych.testing import label
url, ca = sys.argv[1:]
client = Client(url, tls=Tls(ca=ca) if url.startswith("https") else None)
client.classify(b"image")
(transport,) = client._calls.connections._transports.values()
(connection,) = transport._idle

def use_and_close():
    with client:
        assert client.classify(b"child").top.label == label(b"child")
    assert not transport._idle

for _ in range(3):
    in_child(use_and_close)
time.sleep(0.1)
assert not connection.is_readable, "the server has closed it"
assert client.classify(b"parent").top.label == label(b"parent")
assert [*transport._idle] == [connection]
""",
            server.http_url,
            authority.file,
        )
        assert server.requests == 5


def test_locks_that_are_held_during_a_fork_hold_nobody_up_in_the_child(server: FakeServer) -> None:
    python(
        IN_CHILD
        + """
from triptych import Client
from triptych.prometheus import PrometheusObserver
client = Client(sys.argv[1], observers=[PrometheusObserver()])
client.classify(b"image")
held = [client._calls.service._lock, client._calls.connections._lock]
ready = threading.Event()

def hold():
    for lock in held:
        lock.acquire()
    ready.set()
    time.sleep(60)

threading.Thread(target=hold, daemon=True).start()
ready.wait()
began = time.monotonic()
in_child(lambda: client.classify(b"child"))
assert time.monotonic() - began < 5
""",
        server.http_url,
    )


def test_children_draw_other_request_ids_and_waits_than_each_other(server: FakeServer) -> None:
    drawn = python(
        IN_CHILD
        + """
from triptych import Client
client = Client(sys.argv[1])
client.classify(b"image")
for _ in range(4):
    in_child(lambda: print(client.classify(b"child").request_id, client._calls.service._random()))
""",
        server.http_url,
    ).split()
    assert len(drawn) == len({*drawn}) == 8


def test_what_is_known_of_servers_is_not_inherited(nobody: str) -> None:
    printed = python(
        IN_CHILD
        + """
from triptych import Client, Resilience, Retry, UnavailableError
client = Client(sys.argv[1], resilience=Resilience(retry=Retry(budget_burst=1.0, budget_ratio=0.0, base_s=0.001)))
view = client.with_options(timeout_s=5.0)

def attempts(caller):
    try:
        caller.classify(b"image")
    except UnavailableError as error:
        return error.attempts

assert [attempts(client), attempts(view)] == [2, 1]
in_child(lambda: print(attempts(view), attempts(client), client._calls.service.standing().resting))
""",
        f"http://{nobody}",
    )
    assert printed == "2 1 1\n"


def test_an_iterator_of_the_parent_says_that_it_does_not_go_on_in_a_child(server: FakeServer) -> None:
    said = python(
        IN_CHILD
        + """
from triptych import Client, InvalidUseError
client = Client(sys.argv[1])
results = client.classify_many([b"%d" % number for number in range(100)], batch_size=1, concurrency=2)
next(results)

def go_on():
    try:
        for _ in results:
            pass
    except InvalidUseError as error:
        print(error)

in_child(go_on)
assert len([*results]) == 99
""",
        server.http_url,
        timeout_s=20,
    )
    assert "call classify_many or embed_many in the process that uses the results" in said


def test_metrics_of_a_child_count_its_own_calls_under_way(server: FakeServer) -> None:
    server.answer_s = 0.5
    python(
        IN_CHILD
        + """
from prometheus_client import REGISTRY
from triptych import Client
from triptych.prometheus import PrometheusObserver
client = Client(sys.argv[1], observers=[PrometheusObserver()])
in_flight = lambda: REGISTRY.get_sample_value("triptych_client_calls_in_flight", {"client": "default"})
caller = threading.Thread(target=client.classify, args=(b"image",))
caller.start()
while in_flight() != 1:
    time.sleep(0.001)

def count():
    client.classify(b"child")
    assert in_flight() == 0

in_child(count)
caller.join()
assert in_flight() == 0
""",
        server.http_url,
    )


def test_no_call_imports_what_a_fork_could_interrupt(url: str) -> None:
    """Python never releases the lock of a module that another thread was importing during the fork."""
    python(
        """
        import sys
        from triptych import Client
        with Client(sys.argv[1]) as client:
            before = {*sys.modules}
            client.classify(b"image")
            assert {*sys.modules} == before, {*sys.modules} - before
        """,
        url,
    )


def test_what_is_registered_for_forks_is_still_collected(url: str) -> None:
    python(
        """
        import gc, sys
        from triptych import Client, forks
        before = len(forks._OBJECTS)
        for _ in range(3):
            Client(sys.argv[1]).close()
        assert len(forks._OBJECTS) >= before
        gc.collect()
        assert len(forks._OBJECTS) == before
        """,
        url,
    )
