"""A Gateway shares requests by the weights of its routes."""

import time
import urllib.request
from collections import Counter
from collections.abc import Callable

import pytest

from cluster.addresses import NODE
from cluster.cluster import is_own
from cluster.gateway import HTTP_PORT, gateway, route
from cluster.kubectl import Kubectl
from cluster.manifests import web

pytestmark = pytest.mark.skipif(not is_own(), reason="needs a node of our own")

_ROUTED_S = 20


def ask(host: str) -> str:
    request = urllib.request.Request(f"http://{NODE}:{HTTP_PORT}/", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return str(answer.read().decode()).rsplit("-", 2)[0]
    except OSError:
        return ""


def test_a_route_shares_requests_by_weight(new_namespace: Callable[..., Kubectl]) -> None:
    namespace = new_namespace()
    host = f"{namespace.namespace}.test"
    namespace.apply(*web("stable"), *web("candidate"), gateway("edge"))
    namespace.apply(route("web", "edge", {"stable": 90, "candidate": 10}, host=host))
    for name in ("stable", "candidate"):
        namespace("rollout", "status", f"deployment/{name}", "--timeout=60s")
    deadline = time.monotonic() + _ROUTED_S
    while not ask(host) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(2)  # until both Services are known
    asked = 200
    answers = Counter(ask(host) for _ in range(asked))
    assert set(answers) == {"stable", "candidate"}
    assert 0.02 < answers["candidate"] / asked < 0.25

    namespace.apply(route("web", "edge", {"stable": 0, "candidate": 1}, host=host))
    deadline = time.monotonic() + _ROUTED_S
    while set(Counter(ask(host) for _ in range(20))) != {"candidate"}:
        assert time.monotonic() < deadline, "the new weights were never used"
