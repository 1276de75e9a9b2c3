"""A real cluster for the tests of this folder: the user's, or one of our own that is gone afterwards."""

import os
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from cluster import node
from cluster.cluster import down, up
from cluster.kubectl import Kubectl
from cluster.layout import Layout

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def layout() -> Layout:
    return Layout.from_environment()


@pytest.fixture(scope="session")
def cluster(layout: Layout) -> Iterator[Kubectl]:
    """Its administrator. A cluster of our own that was up before is used, and left up."""
    was_up = node.find_init() is not None
    kubeconfig = up(layout, environment=os.environ, say=print)
    yield Kubectl(kubeconfig)
    if not was_up and not os.environ.get("KUBECONFIG"):
        down(layout)


@pytest.fixture
def new_namespace(cluster: Kubectl) -> Iterator[Callable[..., Kubectl]]:
    """Makes namespaces, each with a Pod Security level that it enforces and warns of; they go after the test."""
    made: list[str] = []

    def make(*, level: str = "restricted") -> Kubectl:
        name = f"test-{os.getpid()}-{next(_NUMBERS)}"
        labels = {f"pod-security.kubernetes.io/{mode}": level for mode in ("enforce", "warn")}
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        made.append(name)
        return Kubectl(cluster.kubeconfig, name)

    yield make
    for name in made:
        cluster("delete", "namespace", name, "--wait=false")
