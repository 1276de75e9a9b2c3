"""Case 24: one bad server of three."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest

from fault_proxy import Fault, FaultProxy
from triptych import Client, Resilience
from triptych.testing import Failure, FakeServer

from .asking import PROTOCOLS, Outcome, call_until

THREADS = 8
TIMEOUT_S = 0.5
SETTLED_AFTER_S = 10.0
LASTS_S = 20.0
CONTROL_S = 4.0
ERRORS_AT_MOST = 0.005
ANSWER_S = 0.01  # of a good server


def _fails(server: FakeServer, _: FaultProxy) -> None:
    server.fails = Failure("INTERNAL", http=500)


def _dawdles(server: FakeServer, _: FaultProxy) -> None:
    server.answer_s = 4 * TIMEOUT_S


def _vanishes(_: FakeServer, proxy: FaultProxy) -> None:
    proxy.fault = Fault(swallows=True)


WAYS: dict[str, Callable[[FakeServer, FaultProxy], None]] = {
    "fails": _fails,
    "is too slow": _dawdles,
    "swallows everything": _vanishes,
}


@contextmanager
def three(protocol: str) -> Iterator[tuple[list[str], list[FakeServer], list[FaultProxy]]]:
    """Three servers, each behind a proxy."""
    with ExitStack() as stack:
        servers = [stack.enter_context(FakeServer(answer_s=ANSWER_S)) for _ in range(3)]
        ports = [int(PROTOCOLS[protocol](server).rsplit(":", 1)[1]) for server in servers]
        proxies = [stack.enter_context(FaultProxy(port)) for port in ports]
        yield [f"{protocol}://127.0.0.1:{proxy.port}" for proxy in proxies], servers, proxies


def share_of_errors(outcomes: Sequence[Outcome], *, since: float) -> float:
    late = [outcome for outcome in outcomes if outcome.began >= since]
    assert len(late) > 100
    return sum(outcome.error is not None for outcome in late) / len(late)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_users_hardly_notice_one_bad_server_of_three(protocol: str, way: str) -> None:
    with three(protocol) as (urls, servers, proxies), Client(urls, timeout_s=TIMEOUT_S) as client:
        call_until(
            client, time.monotonic() + 1, threads=THREADS, timeout_s=TIMEOUT_S
        )  # all three are well, and connected
        WAYS[way](servers[0], proxies[0])
        began = time.monotonic()
        outcomes = call_until(client, began + LASTS_S, threads=THREADS, timeout_s=TIMEOUT_S)
        errors = share_of_errors(outcomes, since=began + SETTLED_AFTER_S)
    print(
        f"case 24: over {protocol} one of three servers {way}: {errors:.2%} of the calls failed after "
        f"{SETTLED_AFTER_S:g} s (<= {ERRORS_AT_MOST:.1%}), {share_of_errors(outcomes, since=began):.2%} of all"
    )
    assert errors <= ERRORS_AT_MOST


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_without_ejection_they_notice(protocol: str) -> None:
    policy = Resilience(ejection=None)
    with three(protocol) as (urls, servers, proxies), Client(urls, timeout_s=TIMEOUT_S, resilience=policy) as client:
        _fails(servers[0], proxies[0])
        began = time.monotonic()
        assert (
            share_of_errors(call_until(client, began + CONTROL_S, threads=THREADS, timeout_s=TIMEOUT_S), since=began)
            > 0.2
        )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_last_server_is_never_ejected(protocol: str) -> None:
    with three(protocol) as (urls, servers, _), Client(urls, timeout_s=TIMEOUT_S) as client:
        for server in servers:
            server.fails = Failure("INTERNAL", http=500)
        call_until(client, time.monotonic() + 2, threads=THREADS, timeout_s=TIMEOUT_S)
        asked = sum(server.requests for server in servers)
        failed = call_until(client, time.monotonic() + 1, threads=THREADS, timeout_s=TIMEOUT_S)
        assert all(outcome.error for outcome in failed)
        assert sum(server.requests for server in servers) - asked >= 0.9 * len(failed)
        for server in servers:
            server.fails = None
        again = call_until(client, time.monotonic() + 1, threads=THREADS, timeout_s=TIMEOUT_S)
        assert not [outcome for outcome in again if outcome.error]
    print(
        f"case 24: over {protocol} with all three bad each of {len(failed)} calls was still tried, "
        "and none failed once they were well"
    )
