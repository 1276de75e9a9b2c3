"""Clients that were used before a fork, in the child processes: nobody gets an answer of others."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from callers import PROTOCOLS
from commands import Serving
from forked import Outcome, forked, told
from triptych import Client
from triptych.testing import FakeServer
from triptych_ops.photographs import SCENES
from triptych_ops.runtime import Ports

TESTS = Path(__file__).parents[2]
CHILDREN, CALLS = 4, 50
ANSWER_S = 0.002
CONTROL_ANSWER_S = 0.02  # so long that all children ask at once
PREFORK_S = 20.0
CLIENTS, PARENTS = ("sync", "async"), ("idle", "busy")


@pytest.mark.parametrize("how", ["fork", "pool"])
@pytest.mark.parametrize("parent", PARENTS)
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_case_44_children_get_their_own_answers(protocol: str, client: str, parent: str, how: str) -> None:
    with FakeServer(answer_s=ANSWER_S) as server:
        children, of_parent = forked(
            url=PROTOCOLS[protocol](server), client=client, parent=parent, how=how, children=CHILDREN, calls=CALLS
        )
    print(f"case 44: {protocol}, {client}, {parent} parent, {how}: {told(children)}")
    _check(children, CHILDREN * CALLS)
    if protocol == "http":
        assert Counter(each.result for each in children) == {"right": CHILDREN * CALLS}
    assert of_parent.keys() == {"right"}


@pytest.mark.parametrize("parent", PARENTS)
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_case_44_workers_of_a_prefork_server_get_their_own_answers(protocol: str, client: str, parent: str) -> None:
    with FakeServer(answer_s=ANSWER_S) as server:
        outcomes, workers = _preforked(url=PROTOCOLS[protocol](server), client=client, parent=parent)
    print(f"case 44: {protocol}, {client}, {parent} parent, prefork server of {workers} workers: {told(outcomes)}")
    _check(outcomes, CHILDREN * CALLS)
    assert workers > 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_case_44_a_pool_gets_its_own_answers_from_the_real_triton(serving: Serving, protocol: str) -> None:
    url = f"{protocol}://127.0.0.1:{getattr(serving.ports, protocol)}"
    with Client(url, timeout_s=60) as client:
        images = {str(scene.path): client.classify(scene.path).top.label for scene in SCENES}
    assert len({*images.values()}) > 5
    children, of_parent = forked(
        url=url, client="sync", parent="idle", how="pool", children=4, calls=15, images=images, timeout_s=60
    )
    print(f"case 44: {protocol}, sync, idle parent, pool, the real Triton: {told(children)}")
    _check(children, 60)
    assert {each.result for each in children} == {"right"}
    assert of_parent.keys() == {"right"}


def test_case_44_control_the_shared_socket_swaps_answers_where_nothing_is_checked() -> None:
    with FakeServer(answer_s=CONTROL_ANSWER_S) as server:
        children, _ = forked(
            url=server.http_url,
            client="sync",
            parent="idle",
            how="pool",
            timeout_s=1.0,
            connections=2 * CHILDREN,
            children=CHILDREN,
            calls=CALLS,
            forgets=False,
            matches=False,
        )
    wrong = sum(each.result == "wrong" for each in children)
    print(f"case 44: control, no id check and sockets shared: {wrong} of {len(children)} answers of others")
    assert wrong > 0


def test_case_44_control_the_id_check_alone_refuses_the_answers_of_a_shared_socket() -> None:
    with FakeServer(answer_s=CONTROL_ANSWER_S) as server:
        children, _ = forked(
            url=server.http_url,
            client="sync",
            parent="idle",
            how="pool",
            timeout_s=1.0,
            connections=2 * CHILDREN,
            children=CHILDREN,
            calls=CALLS,
            forgets=False,
        )
    found = Counter(each.result for each in children)
    print(f"case 44: control, sockets shared, the id check alone: {told(children)}")
    assert found["wrong"] == 0
    assert found["ProtocolError"] > 0


def _check(outcomes: Sequence[Outcome], calls: int) -> None:
    """Each call is right, or refused within a second by words that say what to do."""
    assert len(outcomes) == calls
    assert {each.result for each in outcomes} <= {"right", "refused"}, outcomes
    for each in outcomes:
        if each.result == "refused":
            assert each.seconds <= 1.0
            assert "spawn" in each.words
            assert "http://" in each.words


def _preforked(**settings: Any) -> tuple[list[Outcome], int]:
    """The outcomes of calls in the workers of a gunicorn whose master made and used the client; how many workers."""
    port = Ports.free().http
    command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", str(CHILDREN), "--bind", f"127.0.0.1:{port}"]
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "FORKING": json.dumps(settings)}
    with subprocess.Popen([*command, "forking:app"], env=environment, stderr=subprocess.PIPE, text=True) as gunicorn:
        try:
            _wait_for(port, gunicorn)
            with ThreadPoolExecutor(2 * CHILDREN) as pool:
                answers = list(pool.map(lambda call: _posted(port, b"call %d" % call), range(CHILDREN * CALLS)))
        finally:
            gunicorn.send_signal(signal.SIGTERM)
            _, errors = gunicorn.communicate(timeout=30)
    assert "Traceback" not in errors, errors
    return [Outcome(*each[:3]) for each in answers], len({each[3] for each in answers})


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PREFORK_S
    while True:
        try:
            _posted(port, b"ready?")
        except OSError:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def _posted(port: int, image: bytes) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/", body=image)
        return json.load(connection.getresponse())
    finally:
        connection.close()
