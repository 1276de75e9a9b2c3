"""Whether requests can be mirrored: not every Gateway does, and one that does not may answer 500 to all of them."""

from collections.abc import Iterator
from typing import Final

from triptych_ops.errors import MissingError, RefusedError

from ..errors import ForbiddenError
from .access import Access, Names, Object
from .objects import path

FEATURE: Final = "HTTPRouteRequestMirror"
"""https://gateway-api.sigs.k8s.io/geps/gep-2162/: a GatewayClass says which features its controller has."""

_GROUP: Final = "/apis/gateway.networking.k8s.io/v1"


def require_mirroring(access: Access, names: Names) -> None:
    """Every Gateway of the HTTPRoute says that it mirrors requests.

    Raises:
        RefusedError: one does not, or nobody can tell.
        UnreachableError: the cluster does not answer.
    """
    route = access.get(path("HTTPRoute", names, names.name))
    try:
        without = [name for name in _classes(access, route) if FEATURE not in _features(access, name)]
    except (ForbiddenError, MissingError) as error:
        raise RefusedError(
            f"nobody can tell whether the Gateways of {names.name} mirror requests: {error}; "
            "start it as somebody who may read gateways and gatewayclasses"
        ) from error
    if without:
        raise RefusedError(
            f"GatewayClass {without[0]} does not list {FEATURE} among its features, and might fail every request "
            "that it is to mirror; use strategy canary"
        )


def _classes(access: Access, route: Object) -> Iterator[str]:
    for parent in route["spec"].get("parentRefs", []):
        if parent.get("kind", "Gateway") == "Gateway":
            namespace = parent.get("namespace", route["metadata"]["namespace"])
            gateway = access.get(f"{_GROUP}/namespaces/{namespace}/gateways/{parent['name']}")
            yield str(gateway["spec"]["gatewayClassName"])


def _features(access: Access, name: str) -> set[str]:
    found = access.get(f"{_GROUP}/gatewayclasses/{name}").get("status", {}).get("supportedFeatures", [])
    return {str(each["name"]) if isinstance(each, dict) else str(each) for each in found}
