"""What controllers and nodes would do, where there are none: Deployments have the pods they want."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cluster.kubectl import Kubectl
from triptych_ops.errors import OpsError
from triptych_ops.rollout.cluster import Access

_EVERY_S = 0.2


@contextmanager
def acting(kubectl: Kubectl) -> Iterator[None]:
    """In all namespaces, until this is left; through outages."""
    access, done = Access.from_kubeconfig(kubectl.kubeconfig), threading.Event()

    def act() -> None:
        while not done.wait(_EVERY_S):
            with suppress(OpsError):
                for found in access.get("/apis/apps/v1/deployments")["items"]:
                    _act(access, found)

    thread = threading.Thread(target=act)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _act(access: Access, found: dict[str, dict[str, object]]) -> None:
    metadata, pods = found["metadata"], found["spec"]["replicas"]
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), pods)
    wanted = {"observedGeneration": metadata["generation"], **counts}
    if {name: found["status"].get(name, 0) for name in wanted} != wanted:
        path = f"/apis/apps/v1/namespaces/{metadata['namespace']}/deployments/{metadata['name']}/status"
        access.patch(
            path, [{"op": "add", "path": "/status", "value": wanted}], version=str(metadata["resourceVersion"])
        )
