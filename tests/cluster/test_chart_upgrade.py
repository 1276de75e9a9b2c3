"""Case 4 on a cluster: releases change under half of what a pod can do, and who asks by the Gateway loses nothing."""

import time

import pytest

from cluster.asking import GATEWAY_URLS
from cluster.charts import Charted, track
from cluster.cluster import is_own
from cluster.store import PublishedReleases
from traffic.closed import Load
from traffic.paced import Paced
from triptych import Client, Resilience, health

pytestmark = pytest.mark.skipif(not is_own(), reason="needs a node of our own")

LEAST_REQUESTS = 5_000
LEAST_UPGRADES = 2  # there and back
SHARE = 0.5
CALLERS = 8
CONTROL_PER_S = 5.0
CONTROL_REQUESTS = 50
ROUTED_WITHIN_S = 20.0


@pytest.mark.timeout(900)
def test_an_upgrade_to_another_release_loses_no_request(chart: Charted, releases: PublishedReleases) -> None:
    chart.install()
    urls = list(GATEWAY_URLS.values())
    per_s = SHARE * _capacity_per_s(chart, releases, urls[-1]) / len(urls)
    upgrades = 0
    with Client(urls[0]) as http, Client(urls[1]) as grpc:
        with Paced(http, per_s=per_s) as over_http, Paced(grpc, per_s=per_s) as over_grpc:
            loads = (over_http, over_grpc)
            while upgrades < LEAST_UPGRADES or sum(len(load.calls) for load in loads) < LEAST_REQUESTS:
                upgrades += 1
                chart.install({"tracks": {"stable": track(releases, 1 + upgrades % 2)}})
        for client in (http, grpc):
            _await_release(client, 1 + upgrades % 2)
    assert [load.outcomes().keys() for load in loads] == [{"right"}] * 2, [load.outcomes() for load in loads]
    requests = sum(len(load.calls) for load in loads)
    print(
        f"case 4: {upgrades} times helm upgrade to another release at {SHARE:g} C, "
        f"{per_s * len(urls):.0f} requests a second over HTTP and gRPC through the Gateway: "
        f"0 of {requests} requests failed, the longest took {max(load.longest_s() for load in loads):.2f} s"
    )


def test_a_pod_that_breaks_instead_of_ending_is_noticed(chart: Charted) -> None:
    """The control: the same load sees a dead stub, which no drain goes before."""
    chart.install()
    with Client(GATEWAY_URLS["http"], resilience=Resilience.off()) as bare, Paced(bare, per_s=CONTROL_PER_S) as load:
        [pod] = chart.pods()
        chart.kill_a_stub(pod)
        load.until(CONTROL_REQUESTS)
    assert load.failed() > 0
    print(f"case 4, control: a pod whose stub is killed fails {load.failed()} of {len(load.calls)} requests")


def _capacity_per_s(chart: Charted, releases: PublishedReleases, url: str) -> float:
    """What clients get when they ask as fast as they can, over an upgrade and back to the release of before.

    The pod that starts takes the cores of the one that serves: here they share a node.
    """
    began_s = time.monotonic()
    with Load([url] * CALLERS, timeout_s=10) as load:
        chart.install({"tracks": {"stable": track(releases, 2)}})
        chart.install()
    return sum(one.right for one in load.calls) / (time.monotonic() - began_s)


def _await_release(client: Client, number: int) -> None:
    """Return once the old pods, which serve on until everybody knows, get no more requests."""
    deadline = time.monotonic() + ROUTED_WITHIN_S
    while (served := client.classify(health.image()).release) != number:
        assert time.monotonic() < deadline, f"release {served} is served, not {number}"
        time.sleep(0.5)
