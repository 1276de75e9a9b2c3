"""A connection that swallows everything is found by keepalive; servers do not mind being asked whether they live."""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from callers import PROTOCOLS
from commands import Serving
from fault_proxy import Fault, FaultProxy
from triptych import AsyncClient, Client, Keepalive, Resilience, TriptychError, UnavailableError
from triptych.health import image
from triptych.testing import FakeServer
from triptych.transports import grpc_channel

KEEPALIVE = Keepalive()
FOUND_S = KEEPALIVE.time_s + KEEPALIVE.timeout_s
MARGIN_S = 1.0  # the kernel looks when it sends again, which it does ever more rarely
DEADLINE_S = FOUND_S + MARGIN_S + 1.0
PINGS = "grpc.http2.max_pings_without_data"
ONCE = replace(Resilience(), retry=None)
WITHOUT = replace(ONCE, keepalive=None)


def ask(url: str, policy: Resilience, swallow: Callable[[], None]) -> tuple[type | None, float]:
    """Classify, let the connection swallow, and classify again: its error, and after how long."""
    with Client(url, resilience=policy, timeout_s=DEADLINE_S) as client:
        client.classify(image())
        swallow()
        began = time.monotonic()
        try:
            client.classify(image())
        except TriptychError as error:
            return type(error), time.monotonic() - began
        return None, time.monotonic() - began


def ask_asynchronously(url: str, policy: Resilience, swallow: Callable[[], None]) -> tuple[type | None, float]:
    async def run() -> tuple[type | None, float]:
        async with AsyncClient(url, resilience=policy, timeout_s=DEADLINE_S) as client:
            await client.classify(image())
            swallow()
            began = time.monotonic()
            try:
                await client.classify(image())
            except TriptychError as error:
                return type(error), time.monotonic() - began
            return None, time.monotonic() - began

    return asyncio.run(run())


CLIENTS: Mapping[str, Callable[[str, Resilience, Callable[[], None]], tuple[type | None, float]]] = {
    "Client": ask,
    "AsyncClient": ask_asynchronously,
}


@dataclass(frozen=True, slots=True)
class Hole:
    """What becomes silent, and who notices."""

    protocol: str
    fault: Fault
    client: str
    policy: Resilience

    def meet(self, port: int) -> tuple[type | None, float]:
        """What a call ends with that meets it, and after how long."""
        with FaultProxy(port) as proxy:

            def open_hole() -> None:
                proxy.fault = self.fault

            return CLIENTS[self.client](f"{self.protocol}://127.0.0.1:{proxy.port}", self.policy, open_hole)


# Over HTTP one kernel asks the other, so that a proxy that answers for a silent server is not noticed.
SILENT, PROXIED = Fault(swallows=True), Fault(discards=True)
HOLES = [
    Hole(protocol, fault, client, policy)
    for protocol, fault in (("grpc", SILENT), ("grpc", PROXIED), ("http", SILENT))
    for client in CLIENTS
    for policy in (ONCE, WITHOUT)
]


def test_a_black_hole_is_found(serving: Serving) -> None:
    ports = {"grpc": serving.ports.grpc, "http": serving.ports.http}
    with ThreadPoolExecutor(len(HOLES)) as threads:  # each only waits
        ends = list(threads.map(lambda hole: hole.meet(ports[hole.protocol]), HOLES))
    for hole, (error, after_s) in zip(HOLES, ends, strict=True):
        if hole.policy is WITHOUT:
            assert after_s > FOUND_S + MARGIN_S, hole  # nothing but the deadline ends it
            continue
        where = "the network" if hole.fault == SILENT else "a server behind a proxy"
        print(
            f"case 23: {where} fell silent over {hole.protocol}, {hole.client}: found after {after_s:.1f} s, "
            f"of {FOUND_S:g} s and {MARGIN_S:g} s for noise"
        )
        assert error is UnavailableError  # which is attempted again elsewhere
        assert after_s <= FOUND_S + MARGIN_S


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_another_server_answers_the_call_that_met_the_black_hole(protocol: str) -> None:
    policy = replace(Resilience(), keepalive=Keepalive(time_s=1.0, timeout_s=1.0))
    with FakeServer(release=1) as hole, FakeServer(release=2) as good:
        port = int(PROTOCOLS[protocol](hole).rsplit(":", 1)[1])
        with FaultProxy(port) as proxy:
            urls = [f"{protocol}://127.0.0.1:{proxy.port}", PROTOCOLS[protocol](good)]
            with Client(urls, resilience=policy) as client:
                assert {client.classify(b"image").release for _ in range(2)} == {1, 2}
                proxy.fault = Fault(swallows=True)
                began = time.monotonic()
                releases = {client.classify(b"image").release for _ in range(4)}
                assert releases == {2}
                assert time.monotonic() - began < 2.0 + MARGIN_S
    print(f"case 23: the call over {protocol} that met the black hole: answered by another server")


def test_triton_does_not_mind_an_idle_and_a_busy_client(serving: Serving) -> None:
    """For longer than the pings that a server bears; one that has too many hangs up."""
    policy = replace(ONCE, keepalive=Keepalive(time_s=1.0, timeout_s=1.0))
    with FaultProxy(serving.ports.grpc) as proxy:
        with Client(f"grpc://127.0.0.1:{proxy.port}", resilience=policy) as client:
            calls, end = 0, time.monotonic() + 6.0
            while time.monotonic() < end:
                client.classify(image())
                calls += 1
            time.sleep(6.0)
            client.classify(image())
        connections = proxy.connections
    print(f"case 23: {calls} calls in 6 s and 6 idle s at the real Triton: {connections} connection, no too_many_pings")
    assert connections == 1


def quiet_call(keepalive: Keepalive) -> tuple[TriptychError | None, int]:
    """A call that is answered after many times the pause between pings; its error, and the connections it took."""
    with FakeServer(answer_s=6.0) as server, FaultProxy(int(server.grpc_url.rsplit(":", 1)[1])) as proxy:
        with Client(f"grpc://127.0.0.1:{proxy.port}", resilience=replace(ONCE, keepalive=keepalive)) as client:
            try:
                client.classify(b"image")
            except TriptychError as error:
                return error, proxy.connections
            server.answer_s = 0.0
            client.classify(b"image")
        return None, proxy.connections


def test_a_call_that_is_answered_late_is_not_pinged_to_death(monkeypatch: pytest.MonkeyPatch) -> None:
    keepalive = Keepalive(time_s=1.0, timeout_s=1.0)
    options = grpc_channel.options
    with ThreadPoolExecutor(1) as other:
        bounded = other.submit(quiet_call, keepalive)
        time.sleep(0.5)  # its channel is made by now
        monkeypatch.setattr(
            grpc_channel,
            "options",
            lambda *which: [(name, 0 if name == PINGS else value) for name, value in options(*which)],
        )
        unbounded, _ = quiet_call(keepalive)
        error, connections = bounded.result()
    ended = error or "answered"
    print(f"case 23: a quiet call of 6 s, pings a second apart: {ended}; without their bound: {unbounded}")
    assert (error, connections) == (None, 1)
    assert isinstance(unbounded, UnavailableError)
    assert "ping" in str(unbounded).lower()
