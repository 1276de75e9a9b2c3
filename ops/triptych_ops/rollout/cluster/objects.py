"""What routes and Deployments have in common: where they lie, their mark, who else changed them."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from ..world import Seen
from .access import MANAGER, Names, Object

MARK: Final = "triptych/rollout"
"""The annotation with what a rollout wrote last."""

KINDS: Final[Mapping[str, str]] = {
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments/{}",
    "HTTPRoute": "/apis/gateway.networking.k8s.io/v1/namespaces/{}/httproutes/{}",
    "GRPCRoute": "/apis/gateway.networking.k8s.io/v1/namespaces/{}/grpcroutes/{}",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps/{}",
    "Lease": "/apis/coordination.k8s.io/v1/namespaces/{}/leases/{}",
    "Job": "/apis/batch/v1/namespaces/{}/jobs/{}",
}


def path(kind: str, names: Names, name: str) -> str:
    """Of an object at the API server; of its collection where `name` is empty."""
    return KINDS[kind].format(names.namespace, name).rstrip("/")


def path_of(seen: Seen, names: Names) -> str:
    """Of an object that was seen."""
    kind, _, name = seen.name.partition("/")
    return path(kind, names, name)


def seen(found: Object, untouched: Any) -> Seen:
    """What every object has; `untouched` is what of its specification rollouts leave alone."""
    metadata = found["metadata"]
    return Seen(
        name=f"{found['kind']}/{metadata['name']}",
        version=metadata["resourceVersion"],
        mark=metadata.get("annotations", {}).get(MARK),
        untouched=hashlib.sha256(json.dumps(untouched, sort_keys=True).encode()).hexdigest()[:16],
        editors=_editors(metadata.get("managedFields", [])),
    )


def marking(found: Object, mark: str) -> list[Object]:
    """The operations that write the mark."""
    if "annotations" not in found["metadata"]:
        return [{"op": "add", "path": "/metadata/annotations", "value": {MARK: mark}}]
    return [{"op": "add", "path": f"/metadata/annotations/{escaped(MARK)}", "value": mark}]


def disowning(found: Object) -> list[Object]:
    """The operations after which rollouts are no manager of its fields; none where they are not.

    https://kubernetes.io/docs/reference/using-api/server-side-apply/#clearing-managedfields
    """
    managed = found["metadata"].get("managedFields", [])
    others = [entry for entry in managed if entry.get("manager") != MANAGER]
    return [{"op": "replace", "path": "/metadata/managedFields", "value": others}] if others != managed else []


def escaped(key: str) -> str:
    """A key as a part of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def _editors(managed: list[Object]) -> str:
    """Whoever changed the specification last, rollouts aside: `kubectl-edit at 2026-11-23T07:58:11Z`."""
    others = [
        entry
        for entry in managed
        if entry.get("manager") != MANAGER and not entry.get("subresource") and "f:spec" in entry.get("fieldsV1", {})
    ]
    if not others:
        return ""
    last = max(others, key=lambda entry: str(entry.get("time", "")))
    return f"{last['manager']} at {last.get('time', 'an unknown time')}"
