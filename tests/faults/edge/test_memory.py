"""The edge's memory stays within its limit, whatever is sent; part of case 6."""

import socket
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import psutil

from edges import HEADER, PATH, ask_http, edge_before, http_request
from triptych_ops.runtime import Server
from triptych_ops.runtime.edge import Edge, Limits

_MIB = 1024 * 1024
BODY_BYTES = 24 * _MIB
CLIENTS = 40  # 960 MiB
MEMORY_BYTES = 128 * _MIB
OVERSHOOT_BYTES = 128 * _MIB  # what two cores send through loopback between two looks at the memory, and Envoy itself


@dataclass(frozen=True, slots=True)
class Flood:
    """What became of clients that send all but the last byte of a large body."""

    highest_bytes: int
    answers: list[bytes]


def flooded(edge: Edge) -> Flood:
    head = f"POST {PATH} HTTP/1.1\r\nhost: edge\r\ncontent-length: {BODY_BYTES}\r\n{HEADER}: 0\r\n\r\n"
    envoy, highest, piece = psutil.Process(edge.pid), 0, bytes(_MIB)
    answers: list[bytes] = []
    with ExitStack() as stack:
        left = {}
        for _ in range(CLIENTS):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", edge.settings.http_port)))
            client.sendall(head.encode())
            client.setblocking(False)
            left[client] = BODY_BYTES - 1
        clients, deadline = list(left), time.monotonic() + 20
        while left and time.monotonic() < deadline:
            for client in list(left):
                try:
                    left[client] -= client.send(piece[: left[client]])
                except BlockingIOError:
                    continue
                except OSError:
                    left[client] = 0
                if not left[client]:
                    del left[client]
            highest = max(highest, envoy.memory_info().rss)
        for client in clients:
            with suppress(OSError):
                answers.append(client.recv(1000))
    return Flood(highest, answers)


def test_bodies_that_do_not_fit_are_turned_away(server: Server, photograph: bytes) -> None:
    limits = Limits(max_body_bytes=BODY_BYTES, memory_bytes=MEMORY_BYTES)
    with edge_before(server.ports, limits=limits) as edge:
        flood = flooded(edge)
        typed = [answer for answer in flood.answers if b" 429 " in answer and b"overloaded" in answer]
        print(
            f"case 6: {CLIENTS} bodies of 24 MiB, {len(typed)} turned away: the edge held at most "
            f"{flood.highest_bytes / _MIB:.0f} MiB (bound {(MEMORY_BYTES + OVERSHOOT_BYTES) / _MIB:.0f})"
        )
        assert typed
        assert flood.highest_bytes <= MEMORY_BYTES + OVERSHOOT_BYTES
        deadline = time.monotonic() + 5
        while ask_http(edge.settings.http_port, *http_request([photograph])).status != 200:
            assert time.monotonic() < deadline


def test_without_the_limit_all_of_them_are_held(server: Server) -> None:
    """The control."""
    limits = Limits(max_body_bytes=BODY_BYTES, memory_bytes=8 * 1024 * _MIB)
    with edge_before(server.ports, limits=limits) as edge:
        assert flooded(edge).highest_bytes > CLIENTS * BODY_BYTES * 0.9
