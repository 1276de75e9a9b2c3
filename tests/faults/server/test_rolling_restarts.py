"""Case 4: two servers are restarted in turn by SIGTERM, at half of what they can do."""

import signal
import time
from collections.abc import Sequence
from functools import partial
from itertools import cycle, islice

import pytest

from traffic.closed import Load
from traffic.paced import Paced
from triptych import Client, Resilience

from .served import Watched, await_true, serves

RESTARTS = 5
LEAST_REQUESTS = 5_000
SHARE = 0.5
CAPACITY_S = 4.0
PAUSE_S = 3.0  # both serve
STARTED_WITHIN_S = 30.0


@pytest.mark.parametrize("scheme", ["grpc", "http"])
def test_clients_of_two_servers_lose_nothing(servers: tuple[Watched, Watched], scheme: str) -> None:
    urls = [one.ports.grpc_url if scheme == "grpc" else one.ports.http_url for one in servers]
    capacity_per_s = _capacity_per_s(urls)
    with (
        Client(urls) as client,
        Client(urls, resilience=Resilience.off()) as bare,
        Paced(client, per_s=SHARE * capacity_per_s) as load,
        Paced(bare, per_s=2.0) as control,
    ):
        for server in islice(cycle(servers), RESTARTS):
            time.sleep(PAUSE_S)
            status, _ = server.stop(signal.SIGTERM)
            assert status == 0
            began_s = time.monotonic()
            server.__enter__()
            await_true(partial(serves, server.ports), since_s=began_s, within_s=STARTED_WITHIN_S, what="serving")
        load.until(LEAST_REQUESTS)
    assert control.outcomes()["UnavailableError"], "nobody noticed the restarts"
    assert len(load.calls) >= LEAST_REQUESTS
    assert load.outcomes().keys() == {"right"}, load.outcomes()
    print(
        f"case 4: over {scheme} {RESTARTS} restarts of two servers at {SHARE:g} C, "
        f"{SHARE * capacity_per_s:.0f} requests a second: 0 of {len(load.calls)} requests failed, "
        f"the longest took {load.longest_s():.2f} s; without resilience {control.failed()} of {len(control.calls)}"
    )


def _capacity_per_s(urls: Sequence[str]) -> float:
    """What clients of both get when they ask as fast as they can."""
    with Load([urls] * 8) as load:
        time.sleep(CAPACITY_S)
    return sum(one.right for one in load.calls) / CAPACITY_S
