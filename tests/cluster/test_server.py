"""A pod serves a real release with the real Triton, from a real object store, through a Service and a Gateway."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cluster import gateway as gateways
from cluster.addresses import NODE
from cluster.asking import classify
from cluster.cluster import is_own
from cluster.gateway import gateway, route
from cluster.kubectl import Kubectl
from cluster.manifests import GRPC_PORT, HTTP_PORT, server
from cluster.store import SECRET, URL, PublishedReleases

pytestmark = pytest.mark.skipif(not is_own(), reason="needs a node of our own")

_MISSILE = 657  # what ImageNet says to a rocket


def test_a_pod_serves_a_release_of_the_store(
    new_namespace: Callable[..., Kubectl], releases: PublishedReleases, server_image: str, photograph: Path
) -> None:
    assert server_image
    namespace = new_namespace()
    said = namespace.apply(
        releases.secret(),
        *server("server", "1", store=URL, secret=SECRET),
        gateway("edge"),
        route("http", "edge", {"server": 1}, port=HTTP_PORT),
        route("grpc", "edge", {"server": 1}, kind="GRPCRoute", port=GRPC_PORT),
    )
    assert "Warning" not in said
    namespace("rollout", "status", "deployment/server", "--timeout=110s")
    service = namespace.get("service", "server")["spec"]["clusterIP"]
    urls = [
        *(f"http://{service}:{HTTP_PORT}", f"grpc://{service}:{GRPC_PORT}"),
        *(f"http://{NODE}:{gateways.HTTP_PORT}", f"grpc://{NODE}:{gateways.GRPC_PORT}"),
    ]
    assert {url: classify(photograph, url) for url in urls} == dict.fromkeys(urls, (1, _MISSILE))
