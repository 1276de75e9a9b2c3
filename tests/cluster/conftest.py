"""A real cluster for the tests of this folder: the user's, or one of our own that is gone afterwards."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psutil
import pytest

from cluster import metrics, node
from cluster.charts import GATEWAY, Charted, small_values
from cluster.cluster import down, load_loadtest_image, load_server_image, up
from cluster.gateway import gateway
from cluster.kubectl import Kubectl
from cluster.layout import Layout
from cluster.store import PublishedReleases, published_releases

_NUMBERS = count(1)
_HERE = Path(__file__).parent
_LONG = (
    "test_autoscaling.py",
    "test_canary.py",
    "test_in_cluster.py",
    "test_kills.py",
    "test_outage.py",
    "test_rights.py",
    "test_spans.py",
)
"""Minutes each: CI has no time for them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that take the cluster down come last: images and charts that others share go with it."""
    for item in items:
        if item.path.name in _LONG and item.path.is_relative_to(_HERE):
            item.add_marker("long")
    items.sort(key=lambda item: item.path.name == "test_down.py")


@pytest.fixture(scope="session")
def layout() -> Layout:
    return Layout.from_environment()


@pytest.fixture(scope="session")
def cluster(layout: Layout) -> Iterator[Kubectl]:
    """Its administrator. A cluster of our own that was up before is used, and left up."""
    was_up = node.find_init() is not None
    kubectl = Kubectl(up(layout, environment=os.environ, say=print))
    _remove_abandoned(kubectl)
    yield kubectl
    if not was_up and not os.environ.get("KUBECONFIG"):
        down(layout)


@pytest.fixture
def new_namespace(cluster: Kubectl) -> Iterator[Callable[..., Kubectl]]:
    """Makes namespaces, each with a Pod Security level that it enforces and warns of; they go after the test."""
    with _namespaces(cluster) as make:
        yield make


@pytest.fixture(scope="session")
def releases(cluster: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublishedReleases]:
    """Two real releases in a real object store, which pods reach."""
    assert cluster
    with published_releases(tmp_path_factory.mktemp("objects")) as published:
        yield published


@pytest.fixture(scope="session")
def server_image(cluster: Kubectl, layout: Layout) -> str:
    """The image of this checkout, on the node."""
    assert cluster
    return load_server_image(layout, say=print)


@pytest.fixture(scope="session")
def loadtest_image(cluster: Kubectl, layout: Layout) -> str:
    """The load generator's image, on the node."""
    assert cluster
    return load_loadtest_image(layout, say=print)


@pytest.fixture(scope="session")
def chart(cluster: Kubectl, releases: PublishedReleases, server_image: str) -> Iterator[Charted]:
    """The chart, installed with one pod of release 1 behind a Gateway; a test that changes it installs it again."""
    assert server_image
    with _namespaces(cluster) as make:
        namespace = make()
        namespace.apply(releases.secret(), gateway(GATEWAY))
        charted = Charted(namespace, small_values(releases))
        said = charted.install()
        assert "Warning" not in said
        yield charted


@pytest.fixture
def photograph(checkout: Path) -> Path:
    """A rocket."""
    return checkout / "ops" / "triptych_ops" / "photographs" / "rocket.jpg"


def _remove_abandoned(cluster: Kubectl) -> None:
    """What killed tests left: an API that nobody answers, and pods that would answer through everybody's Gateway."""
    for item in cluster.get("apiservices", f"--selector={metrics.OWNER}")["items"]:
        if not psutil.pid_exists(int(item["metadata"]["labels"][metrics.OWNER])):
            cluster("delete", "apiservice", item["metadata"]["name"])
    for item in cluster.get("namespaces")["items"]:
        name = item["metadata"]["name"]
        found = re.fullmatch(r"test-(\d+)-\d+", name)
        if found and not psutil.pid_exists(int(found[1])):
            cluster("delete", "namespace", name, "--ignore-not-found")


@contextmanager
def _namespaces(cluster: Kubectl) -> Iterator[Callable[..., Kubectl]]:
    made: list[str] = []

    def make(*, level: str = "restricted") -> Kubectl:
        name = f"test-{os.getpid()}-{next(_NUMBERS)}"
        labels = {f"pod-security.kubernetes.io/{mode}": level for mode in ("enforce", "warn")}
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        made.append(name)
        return Kubectl(cluster.kubeconfig, name)

    yield make
    for name in made:
        cluster("delete", "namespace", name, "--wait=false", "--ignore-not-found")
