"""The Gateway API with a real Traefik: a process on the node, which sends requests to pods by their addresses."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster.addresses import NODE
from cluster.layout import Layout
from cluster.programs import Program

CLASS = "traefik"
USER = "traefik"
HTTP_PORT = 8080
GRPC_PORT = 8081
_CONTROLLER = "traefik.io/gateway-controller"
_STATUS_PORT = 8099


def traefik(layout: Layout, binary: Path) -> Program:
    """Traefik: Gateways of class `traefik` may listen on these two ports of the node."""
    command = traefik_command(binary, address=NODE, http_port=HTTP_PORT, grpc_port=GRPC_PORT, status_port=_STATUS_PORT)
    kubeconfig = {"KUBECONFIG": str(layout.configuration / "gateway.kubeconfig")}
    return Program("traefik", command, f"http://127.0.0.1:{_STATUS_PORT}/ping", kubeconfig)


def traefik_command(binary: Path, *, address: str, http_port: int, grpc_port: int, status_port: int) -> tuple[str, ...]:
    """Gateways may listen at this address, on the port of their protocol; `/ping` answers on the status port."""
    options = {
        "entrypoints.http.address": f"{address}:{http_port}",
        "entrypoints.grpc.address": f"{address}:{grpc_port}",
        "entrypoints.traefik.address": f"127.0.0.1:{status_port}",
        "ping": "true",
        "ping.entrypoint": "traefik",
        "global.checknewversion": "false",
        "global.sendanonymoususage": "false",
        "providers.kubernetesgateway": "true",
        "providers.kubernetesgateway.statusaddress.ip": address,
    }
    return (str(binary), *(f"--{name}={value}" for name, value in options.items()))


def permissions() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What Traefik's user may do."""
    group, read = "gateway.networking.k8s.io", ["get", "list", "watch"]
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": USER},
        "rules": [
            {"apiGroups": [""], "resources": ["namespaces", "services", "secrets", "configmaps"], "verbs": read},
            {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": read},
            {"apiGroups": [group], "resources": ["*"], "verbs": [*read, "update", "patch"]},
        ],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": USER},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": USER},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": USER}],
    }
    return role, binding


def gateway_class() -> Mapping[str, Any]:
    """The class of the Gateways that Traefik serves."""
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": CLASS},
        "spec": {"controllerName": _CONTROLLER},
    }


def gateway(name: str, *, http_port: int = HTTP_PORT, grpc_port: int = GRPC_PORT) -> Mapping[str, Any]:
    """A Gateway that takes the routes of its namespace: HTTPRoutes on one port, GRPCRoutes on the other.

    On one port they must not share a host.
    """
    listeners = [
        {"name": kind.lower(), "port": port, "protocol": "HTTP", "allowedRoutes": {"kinds": [{"kind": kind}]}}
        for kind, port in (("HTTPRoute", http_port), ("GRPCRoute", grpc_port))
    ]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": name},
        "spec": {"gatewayClassName": CLASS, "listeners": listeners},
    }


def route(
    name: str,
    gateway: str,
    weights: Mapping[str, int],
    *,
    kind: str = "HTTPRoute",
    host: str | None = None,
    port: int = 80,
) -> Mapping[str, Any]:
    """All requests, or those to `host`, shared among Services by weight; kind: HTTPRoute or GRPCRoute."""
    backends = [{"name": service, "port": port, "weight": weight} for service, weight in weights.items()]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {
            "parentRefs": [{"name": gateway, "sectionName": kind.lower()}],
            "hostnames": [host] if host else [],
            "rules": [{"backendRefs": backends}],
        },
    }
