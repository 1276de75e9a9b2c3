"""Cases 1 and 14 in pods: a dead stub is noticed and replaced, an altered release never starts and says why."""

import time
from collections.abc import Callable

import pytest

from cluster.charts import Charted, track
from cluster.cluster import is_own
from cluster.store import URL, PublishedReleases

pytestmark = pytest.mark.skipif(not is_own(), reason="needs a node of our own")

UNREADY_WITHIN_S = 10.0
REPLACED_WITHIN_S = 30.0


def test_a_pod_whose_stub_is_killed_is_unready_and_then_serves_again(chart: Charted) -> None:
    chart.install()
    [pod] = chart.pods()
    began_s = time.monotonic()
    chart.kill_a_stub(pod)
    unready_s = _seconds_until(lambda: not chart.ready(pod), since_s=began_s, within_s=UNREADY_WITHIN_S)
    replaced_s = _seconds_until(lambda: chart.ready(pod), since_s=began_s, within_s=REPLACED_WITHIN_S)
    assert chart.restarts(pod)["server"] == 1
    print(
        f"case 1: a pod whose stub was killed was unready after {unready_s:.1f} s (at most {UNREADY_WITHIN_S:g}) "
        f"and served again after {replaced_s:.1f} s (at most {REPLACED_WITHIN_S:g})"
    )


def test_a_pod_of_an_altered_release_never_starts_and_says_why(chart: Charted, releases: PublishedReleases) -> None:
    chart.install()
    [old] = chart.pods()
    file = "repository/classifier/2/model.onnx"
    releases.flip_a_byte(2, file)
    try:
        chart.install({"tracks": {"stable": track(releases, 2)}}, wait=False)
        [new] = [pod for pod in chart.pods(at_least=2) if pod != old]
        words = chart.said(new, "pull", "altered")
        assert file in words
        assert "server" not in chart.restarts(new)
        assert chart.ready(old)
    finally:
        releases.flip_a_byte(2, file)
    chart.install()
    print(f"case 14: a pod of a release with one byte altered at {URL} does not start; its first container: {words}")


def _seconds_until(true: Callable[[], bool], *, since_s: float, within_s: float) -> float:
    while not true():
        assert time.monotonic() < since_s + within_s + 5, "never"
        time.sleep(0.1)
    took_s = time.monotonic() - since_s
    assert took_s <= within_s
    return took_s
