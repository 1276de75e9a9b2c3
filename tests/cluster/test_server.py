"""A pod serves a real release with the real Triton, from a real object store, through a Service and a Gateway."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster import gateway as gateways
from cluster.addresses import MACHINE, NODE
from cluster.cluster import is_own, load_server_image
from cluster.gateway import gateway, route
from cluster.kubectl import Kubectl
from cluster.layout import Layout
from cluster.manifests import GRPC_PORT, HTTP_PORT, server
from commands import triptych
from object_store import BUCKET, ObjectStore, object_store

pytestmark = pytest.mark.skipif(not is_own(), reason="needs a node of our own")

_STORE = f"s3://{BUCKET}/releases"
_ROUTED_S = 20
_MISSILE = 657  # what ImageNet says to a rocket


@pytest.fixture
def photograph(checkout: Path) -> Path:
    return checkout / "ops" / "triptych_ops" / "photographs" / "rocket.jpg"


@pytest.fixture(scope="module")
def releases(cluster: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """An object store that pods reach, with release 1."""
    assert cluster
    with object_store(tmp_path_factory.mktemp("objects"), address=MACHINE) as store:
        local = tmp_path_factory.mktemp("built")
        built = triptych("build", "--store", local)
        assert built.returncode == 0, built.stderr
        done = triptych("release", "publish", "1", "--store", local, "--to", _STORE, env=store.environment())
        assert done.returncode == 0, done.stderr
        shutil.rmtree(local)
        yield store


def classify(photograph: Path, url: str) -> tuple[int, int]:
    """The release that answers and the class it says, once the way there is known to everybody on it."""
    deadline = time.monotonic() + _ROUTED_S
    while (done := triptych("classify", photograph, "--url", url, "--json")).returncode != 0:
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.5)
    answer = json.loads(done.stdout)
    return answer["release"], answer["predictions"][0]["class_id"]


def test_a_pod_serves_a_release_of_the_store(
    new_namespace: Callable[..., Kubectl], releases: ObjectStore, layout: Layout, photograph: Path
) -> None:
    load_server_image(layout, say=print)
    namespace = new_namespace()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "store"}}
    said = namespace.apply(
        {**secret, "stringData": dict(releases.environment(user="reader"))},
        *server("server", "1", store=_STORE, secret="store"),  # noqa: S106
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
