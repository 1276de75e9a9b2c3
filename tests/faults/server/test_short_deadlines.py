"""Case 7: clients that wait for a few milliseconds only. For Triton each passed deadline is a cancelled request."""

import random
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

from triptych import contract, health
from triptych_ops.runtime import Ports

from .served import Watched, await_true, serves

CALLS = 10_000
HTTP_CALLS = 500
THREADS = 16
SHORTEST_S, LONGEST_S = 0.001, 0.020


@pytest.mark.timeout(600)
def test_the_server_survives_them(store: Path, tmp_path: Path) -> None:
    with Watched(store, tmp_path) as serving:
        before = _processes(serving)
        ended = _over_grpc(serving.ports)
        closed = _over_http(serving.ports)
        assert _processes(serving) == before
        # It goes on to work for those who hung up.
        await_true(partial(serves, serving.ports), since_s=time.monotonic(), within_s=30, what="serving")
        assert serving.said == []
        victim = serving.tritonserver()
        victim.kill()  # the control: the same comparison sees another server
        victim.wait(10)
        assert _processes(serving) != before
    assert ended.total() == CALLS
    assert set(ended) <= {"StatusCode.DEADLINE_EXCEEDED", "answered"}
    print(
        f"case 7: the same processes after {CALLS} calls with deadlines of 1 to 20 ms "
        f"({ended['StatusCode.DEADLINE_EXCEEDED']} ended by them) and {closed} HTTP connections closed as soon"
    )


def _processes(serving: Watched) -> set[psutil.Process]:
    return {process for process in serving.children() if process.status() != psutil.STATUS_ZOMBIE}


def _over_grpc(ports: Ports) -> Counter[str]:
    """How the calls ended. Plain gRPC, so that each deadline reaches the server as it is."""
    draw = random.Random(7)  # noqa: S311  a test's
    clients = [triton.InferenceServerClient(ports.grpc_url.removeprefix("grpc://")) for _ in range(THREADS)]
    image = triton.InferInput(contract.IMAGE, [1, 1], "BYTES")
    image.set_data_from_numpy(np.array([[health.image()]], dtype=object))

    def ask(number: int) -> str:
        try:
            clients[number % THREADS].infer(
                contract.MODEL_NAME, [image], client_timeout=draw.uniform(SHORTEST_S, LONGEST_S)
            )
        except InferenceServerException as error:
            return str(error.status())
        return "answered"

    with ThreadPoolExecutor(THREADS) as pool:
        ended = Counter(pool.map(ask, range(CALLS)))
    for client in clients:
        client.close()
    return ended


def _over_http(ports: Ports) -> int:
    """Send a whole request and hang up a few milliseconds later."""
    draw = random.Random(7)  # noqa: S311  a test's
    body = health.image()
    head = (
        f"POST /v2/models/{contract.MODEL_NAME}/infer HTTP/1.1\r\nHost: x\r\n"
        f"Inference-Header-Content-Length: 0\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    for _ in range(HTTP_CALLS):
        with socket.create_connection(("127.0.0.1", ports.http)) as connection:
            connection.sendall(head + body)
            time.sleep(draw.uniform(SHORTEST_S, LONGEST_S))
    return HTTP_CALLS
