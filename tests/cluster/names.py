"""The cluster's names with a real CoreDNS: a process on the node, which pods with dnsPolicy ClusterFirst ask."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster.addresses import DOMAIN, NODE
from cluster.layout import Layout
from cluster.programs import Program

USER = "coredns"
_READY = "127.0.0.1:8181"


def coredns(layout: Layout, binary: Path) -> Program:
    """CoreDNS: names of Services, and of the pods of headless ones, on the node's address, port 53."""
    command = (str(binary), "-conf", str(layout.configuration / "Corefile"))
    return Program("coredns", command, f"http://{_READY}/ready")


def corefile(layout: Layout) -> str:
    """All other names are refused at once: the node reaches nobody who knows them."""
    return f"""{DOMAIN}:53 {{
    bind {NODE}
    errors
    ready {_READY}
    kubernetes {DOMAIN} {{
        kubeconfig {layout.configuration / "names.kubeconfig"}
        pods disabled
        ttl 5
    }}
}}
"""


def permissions() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What CoreDNS's user may do."""
    read = ["list", "watch"]
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": USER},
        "rules": [
            {"apiGroups": [""], "resources": ["namespaces", "services"], "verbs": read},
            {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": read},
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
