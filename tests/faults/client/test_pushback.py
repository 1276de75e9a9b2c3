"""A server that says when to come back is not asked earlier."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.utils import formatdate

import pytest

from callers import PROTOCOLS
from triptych import AsyncClient, Client, TriptychError
from triptych.testing import Failure, FakeServer

NOISE_S = 0.3  # of a busy machine, after the moment


def ask(urls: list[str]) -> None:
    with Client(urls) as client, suppress(TriptychError):
        client.classify(b"image")


def ask_asynchronously(urls: list[str]) -> None:
    async def run() -> None:
        async with AsyncClient(urls) as client:
            with suppress(TriptychError):
                await client.classify(b"image")

    asyncio.run(run())


CLIENTS: Mapping[str, Callable[[list[str]], None]] = {"Client": ask, "AsyncClient": ask_asynchronously}


class Attempts:
    """When a server was asked; it fails the first time, and says when to come back."""

    def __init__(self, headers: Callable[[], Mapping[str, str]], *, http: int = 503) -> None:
        self.at_s: list[float] = []
        self._headers = headers
        self._http = http

    def __call__(self, number: int) -> Failure | None:
        self.at_s.append(time.monotonic())
        return Failure("UNAVAILABLE", http=self._http, headers=self._headers()) if number == 1 else None

    @property
    def pause_s(self) -> float:
        """Between the first two."""
        return self.at_s[1] - self.at_s[0]


def pause_s(protocol: str, asks: Callable[[list[str]], None], headers: Callable[[], Mapping[str, str]]) -> float:
    """Between two attempts at a lone server that sends these headers."""
    attempts = Attempts(headers)
    with FakeServer(failure=attempts) as server:
        asks([PROTOCOLS[protocol](server)])
    assert len(attempts.at_s) == 2
    return attempts.pause_s


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("protocol", "name", "value", "asked_s"),
    [
        ("grpc", "grpc-retry-pushback-ms", lambda: "700", 0.7),
        ("http", "Retry-After", lambda: "1", 1.0),
        ("http", "Retry-After", lambda: formatdate(time.time() + 2, usegmt=True), 1.0),  # of whole seconds
    ],
    ids=["pushback", "seconds", "date"],
)
def test_a_server_is_asked_again_when_it_said(
    protocol: str, name: str, value: Callable[[], str], asked_s: float, client: str
) -> None:
    most_s = asked_s + NOISE_S + (1.0 if "GMT" in value() else 0.0)
    told_s = pause_s(protocol, CLIENTS[client], lambda: {name: value()})
    untold_s = pause_s(protocol, CLIENTS[client], dict)
    print(f"case 22: {name} {value()} by {client}: asked again after {told_s:.2f} s, without it after {untold_s:.2f} s")
    assert asked_s - 0.01 <= told_s <= most_s
    assert untold_s < 0.05 + NOISE_S


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("value", ["-1", "never"])
def test_a_negative_pushback_ends_the_call(value: str, client: str) -> None:
    counts = []
    for headers in ({"grpc-retry-pushback-ms": value}, {}):
        attempts = Attempts(lambda headers=headers: headers)  # type: ignore[misc]
        with FakeServer(failure=attempts) as first, FakeServer(failure=attempts) as second:
            CLIENTS[client]([first.grpc_url, second.grpc_url])
        counts.append(len(attempts.at_s))
    print(f"case 22: pushback {value} by {client}: {counts[0]} attempt, without it {counts[1]}")
    assert counts[0] == 1
    assert counts[1] > 1


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_another_server_need_not_wait(protocol: str, client: str) -> None:
    attempts = Attempts(lambda: {"grpc-retry-pushback-ms": "3000", "retry-after": "3"}, http=429)
    with FakeServer(failure=attempts) as first, FakeServer() as second:
        CLIENTS[client]([PROTOCOLS[protocol](first), PROTOCOLS[protocol](second)])
        assert (first.requests, second.requests) == (1, 1)
        began = attempts.at_s[0]
        assert time.monotonic() - began < 3.0
    print(f"case 22: a server that asks for 3 s over {protocol}, by {client}: another answers at once")
