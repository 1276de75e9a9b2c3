"""Where nobody can serve, a client adds little to the load; and what is attempted again is written down."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

import pytest

from callers import PROTOCOLS
from triptych import AsyncClient, Breaker, Client, Resilience, Retry, TriptychError
from triptych.testing import Failure, FakeServer

# status -> attempts of a call at a lone server, and at the second of two that fail alike
GRPC: Mapping[str | int, tuple[int, int]] = {
    "OK": (1, 1),
    "CANCELLED": (1, 1),
    "UNKNOWN": (1, 1),
    "INVALID_ARGUMENT": (1, 1),
    "DEADLINE_EXCEEDED": (1, 1),
    "NOT_FOUND": (1, 2),
    "ALREADY_EXISTS": (1, 1),
    "PERMISSION_DENIED": (1, 1),
    "RESOURCE_EXHAUSTED": (4, 4),
    "FAILED_PRECONDITION": (1, 1),
    "ABORTED": (1, 1),
    "OUT_OF_RANGE": (1, 1),
    "UNIMPLEMENTED": (1, 1),
    "INTERNAL": (1, 1),
    "UNAVAILABLE": (4, 4),
    "DATA_LOSS": (1, 1),
    "UNAUTHENTICATED": (1, 1),
}
HTTP: Mapping[str | int, tuple[int, int]] = {
    400: (1, 1),
    401: (1, 1),
    403: (1, 1),
    404: (1, 2),
    408: (1, 1),
    413: (1, 1),
    429: (4, 4),
    500: (1, 1),
    501: (1, 1),
    502: (4, 4),
    503: (4, 4),
    504: (1, 1),
}
DOWN = Failure("UNAVAILABLE", http=503)
QUICK = Retry(base_s=0.001, cap_s=0.001)
CALLS = 2000


def ask(urls: list[str], policy: Resilience, *, count: int = 1) -> None:
    with Client(urls, resilience=policy) as client:
        for _ in range(count):
            with suppress(TriptychError):
                client.classify(b"image")


def ask_asynchronously(urls: list[str], policy: Resilience, *, count: int = 1) -> None:
    async def run() -> None:
        async with AsyncClient(urls, resilience=policy) as client:
            for _ in range(count):
                with suppress(TriptychError):
                    await client.classify(b"image")

    asyncio.run(run())


CLIENTS: Mapping[str, Callable[..., None]] = {"Client": ask, "AsyncClient": ask_asynchronously}


def attempts(protocol: str, status: object, asks: Callable[..., None], policy: Resilience) -> tuple[int, int]:
    """Of a call at one server, and of a call at two."""
    failure = Failure(str(status), 503) if protocol == "grpc" else Failure("UNKNOWN", int(str(status)))
    with FakeServer() as first, FakeServer() as second:
        first.fails = second.fails = None if status == "OK" else failure
        urls = [PROTOCOLS[protocol](server) for server in (first, second)]
        asks(urls[:1], policy)
        alone, first.requests = first.requests, 0
        asks(urls, policy)
        return alone, first.requests + second.requests


@pytest.mark.parametrize("client", CLIENTS)
def test_the_table_of_attempts(client: str) -> None:
    policy, off = replace(Resilience(), retry=QUICK), replace(Resilience(), retry=None)
    tables: Mapping[str, Mapping[str | int, tuple[int, int]]] = {"grpc": GRPC, "http": HTTP}
    for protocol, table in tables.items():
        found = {status: attempts(protocol, status, CLIENTS[client], policy) for status in table}
        assert found == table
        wrong = {status for status in table if attempts(protocol, status, CLIENTS[client], off) != table[status]}
        assert wrong == {status for status, expected in table.items() if expected != (1, 1)}  # what the table catches
        print(f"case 21: attempts after each of {len(table)} {protocol} statuses by {client}: as in the table")


def test_a_dead_stub_is_left_for_another_server_once() -> None:
    with FakeServer() as first, FakeServer() as second, FakeServer() as third:
        servers = [first, second, third]
        for server in servers:
            server.fails = Failure("INTERNAL", http=500, message="Stub process 'x' is not healthy.")
        for protocol, url in PROTOCOLS.items():
            for asks in CLIENTS.values():
                before = sum(server.requests for server in servers)
                asks([url(server) for server in servers], Resilience())
                assert sum(server.requests for server in servers) - before == 2, protocol


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_outage_is_not_made_worse(protocol: str, client: str) -> None:
    def attempts_of(count: int, policy: Resilience) -> int:
        before = server.requests
        CLIENTS[client]([PROTOCOLS[protocol](server)], policy, count=count)
        return server.requests - before

    unguarded = replace(Resilience(), retry=QUICK, breaker=None)
    endless = replace(unguarded, retry=replace(QUICK, budget_burst=1e9))
    with FakeServer() as server:
        server.fails = DOWN
        share = (attempts_of(CALLS, unguarded) - QUICK.budget_burst) / CALLS
        guarded = attempts_of(CALLS, replace(unguarded, breaker=Breaker()))
        unbounded = attempts_of(100, endless) / 100
    print(
        f"case 21: total outage over {protocol}, {client}: {share:.3f} attempts a call once the budget is spent, "
        f"of 1.1; with the circuit breaker {guarded} attempts in {CALLS} calls; without a budget {unbounded:g} a call"
    )
    assert share <= 1.1
    assert guarded <= 100
    assert unbounded == 4
