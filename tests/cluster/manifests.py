"""Objects for the tests: small, and right for a namespace that enforces Pod Security `restricted`."""

from collections.abc import Mapping, Sequence
from typing import Any

from cluster.images import BUSYBOX
from cluster.server_image import SERVER

HTTP_PORT = 8080
GRPC_PORT = 8081
_CONTAINER_SECURITY = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
_POD_SECURITY = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def web(name: str, *, replicas: int = 1) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """A Deployment whose pods answer GET / with their name and have one metric, and its Service on port 80."""
    script = (
        "busybox hostname > /tmp/index.html; echo 'web_answers 1' > /tmp/metrics; "
        f"exec busybox httpd -f -p {HTTP_PORT} -h /tmp"
    )
    container = {
        "name": "web",
        "image": BUSYBOX,
        "imagePullPolicy": "Never",
        "command": ["/bin/busybox", "sh", "-c", script],
        "ports": [{"containerPort": HTTP_PORT}],
        "readinessProbe": {"httpGet": {"path": "/", "port": HTTP_PORT}, "periodSeconds": 1},
        "securityContext": _CONTAINER_SECURITY,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
    }
    pod = {
        "automountServiceAccountToken": False,
        "containers": [container],
        "securityContext": _POD_SECURITY,
        "terminationGracePeriodSeconds": 1,
        "volumes": [{"name": "tmp", "emptyDir": {"medium": "Memory"}}],
    }
    return _deployment(name, pod, replicas=replicas), _service(name, [{"port": 80, "targetPort": HTTP_PORT}])


def server(name: str, release: str, *, store: str, secret: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """A Deployment that serves a release behind its edge, and its Service: HTTP on 8080, gRPC on 8081.

    store: a URL that the pod reaches
    secret: its keys become the container's environment
    """
    container = {
        "name": "server",
        "image": SERVER,
        "imagePullPolicy": "Never",
        "args": ["serve", release, "--store", store, "--edge", "--edge-address", "0.0.0.0"],  # noqa: S104
        "envFrom": [{"secretRef": {"name": secret}}],
        "ports": [{"containerPort": HTTP_PORT}, {"containerPort": GRPC_PORT}],
        "readinessProbe": {"tcpSocket": {"port": HTTP_PORT}, "periodSeconds": 1},
        "securityContext": _CONTAINER_SECURITY,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, {"name": "shm", "mountPath": "/dev/shm"}],  # noqa: S108
    }
    pod = {
        "automountServiceAccountToken": False,
        "containers": [container],
        "enableServiceLinks": False,
        "securityContext": _POD_SECURITY,
        "terminationGracePeriodSeconds": 30,
        "volumes": [
            {"name": "tmp", "emptyDir": {}},
            {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}},
        ],
    }
    ports = [
        {"name": "http", "port": HTTP_PORT},
        {"name": "grpc", "port": GRPC_PORT, "appProtocol": "kubernetes.io/h2c"},
    ]
    return _deployment(name, pod, replicas=1), _service(name, ports)


def headless(name: str, app: str) -> Mapping[str, Any]:
    """A Service that is a name of its pods, without an address of its own."""
    service = _service(name, [{"port": HTTP_PORT}])
    return {**service, "spec": {**service["spec"], "clusterIP": "None", "selector": {"app": app}}}


def privileged(name: str) -> Mapping[str, Any]:
    """A pod that asks for all of the node."""
    container = {"name": "root", "image": BUSYBOX, "imagePullPolicy": "Never", "securityContext": {"privileged": True}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [container]}}


def _deployment(name: str, pod: Mapping[str, Any], *, replicas: int) -> Mapping[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


def _service(name: str, ports: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": ports},
    }
