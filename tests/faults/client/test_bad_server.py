"""One bad server of three: after a while nobody notices; where all are bad, one is still asked."""

import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import pytest

from callers import PROTOCOLS
from fault_proxy import NONE, Fault, FaultProxy
from triptych import Client, Resilience
from triptych.testing import Failure, FakeServer

from .asking import Outcome, call

BROKEN = Failure("INTERNAL", http=500)
LEARNING_S = 10.0
MEASURED_S = 5.0
DEADLINE_S = 0.4
THREADS = 8
PAUSE_S = 0.05  # of each thread between two calls, as of users
MOST = 0.005
EJECTING = Resilience()
NOT_EJECTING = replace(Resilience(), ejection=None, back_off=None)


@dataclass(frozen=True, slots=True)
class Badness:
    """What is wrong with the bad server."""

    fails: Failure | None = None
    answer_s: float = 0.0
    fault: Fault = NONE


BAD: Mapping[str, Badness] = {
    "errors": Badness(fails=BROKEN),
    "slow": Badness(answer_s=1.5),
    "black hole": Badness(fault=Fault(swallows=True)),
}


@contextmanager
def one_bad_of_three(protocol: str, badness: Badness) -> Iterator[list[str]]:
    """Their URLs."""
    with ExitStack() as stack:
        servers = [stack.enter_context(FakeServer()) for _ in range(3)]
        bad = servers[0]
        bad.fails, bad.answer_s = badness.fails, badness.answer_s
        proxy = stack.enter_context(FaultProxy(int(PROTOCOLS[protocol](bad).rsplit(":", 1)[1])))
        proxy.fault = badness.fault
        yield [f"{protocol}://127.0.0.1:{proxy.port}", *(PROTOCOLS[protocol](server) for server in servers[1:])]
        proxy.fault = NONE


def used(urls: list[str], policy: Resilience, *, seconds: float) -> list[Outcome]:
    """Calls of several threads for so long."""
    outcomes: list[Outcome] = []
    end = time.monotonic() + seconds

    def work(client: Client, thread: int) -> None:
        number = 0
        while time.monotonic() < end:
            outcomes.append(call(client, b"image %d.%d" % (thread, number), timeout_s=DEADLINE_S))
            number += 1
            time.sleep(PAUSE_S)

    with Client(urls, resilience=policy) as client:
        threads = [threading.Thread(target=work, args=(client, thread)) for thread in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return outcomes


def failed(outcomes: list[Outcome]) -> float:
    """The share of calls that failed."""
    return sum(each.error is not None for each in outcomes) / len(outcomes)


def measured(protocol: str, badness: Badness, policy: Resilience, *, learning_s: float) -> tuple[int, float]:
    """How many calls began after a while, and the share of them that failed."""
    with one_bad_of_three(protocol, badness) as urls:
        began = time.monotonic()
        outcomes = used(urls, policy, seconds=learning_s + MEASURED_S)
    after = [each for each in outcomes if each.began >= began + learning_s]
    return len(after), failed(after)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_server_of_three_is_soon_left_alone(name: str) -> None:
    with ThreadPoolExecutor(len(PROTOCOLS)) as both:
        found = list(
            both.map(lambda protocol: measured(protocol, BAD[name], EJECTING, learning_s=LEARNING_S), PROTOCOLS)
        )
    for protocol, (calls, share) in zip(PROTOCOLS, found, strict=True):
        print(
            f"case 24: one of three servers bad ({name}) over {protocol}: {share:.2%} of {calls} calls failed "
            f"after {LEARNING_S:g} s, of {MOST:.1%}"
        )
        assert calls >= 400
        assert share <= MOST


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_without_ejection_a_third_of_the_calls_fails(protocol: str) -> None:
    with one_bad_of_three(protocol, BAD["errors"]) as urls:
        share = failed(used(urls, NOT_EJECTING, seconds=1.0))
    assert 0.2 < share < 0.5


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_last_server_is_never_ejected(protocol: str) -> None:
    policy = replace(Resilience(), breaker=None)
    with ExitStack() as stack:
        servers = [stack.enter_context(FakeServer()) for _ in range(3)]
        for server in servers[:2]:
            server.fails = BROKEN
        client = stack.enter_context(Client([PROTOCOLS[protocol](server) for server in servers], resilience=policy))
        for number in range(100):
            call(client, b"image %d" % number, timeout_s=10.0)
        two_bad = [server.requests for server in servers]
        assert call(client, b"image", timeout_s=10.0).error is None
        servers[2].fails = BROKEN
        assert all(call(client, b"image %d" % number, timeout_s=10.0).error for number in range(300))
        all_bad = [server.requests for server in servers]
    print(
        f"case 24: two of three servers bad over {protocol}, asked {two_bad[:2]} times in 100 calls; "
        f"then the last one as well, asked {all_bad[2] - two_bad[2] - 1} times in 300: never ejected"
    )
    assert sum(two_bad) == 100
    assert sum(all_bad) == 401  # each call goes out
    assert max(two_bad[:2]) <= 15
    assert all_bad[2] - two_bad[2] > 290
