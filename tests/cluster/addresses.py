"""The cluster's networks: a link between this machine and the node, the pods' network, the services'."""

from collections.abc import Iterable
from ipaddress import IPv4Network

LINK = IPv4Network("10.245.0.0/30")
PODS = IPv4Network("10.246.0.0/24")
SERVICES = IPv4Network("10.247.0.0/24")

MACHINE = str(LINK[1])
NODE = str(LINK[2])
API_SERVICE = str(SERVICES[1])
API_PORT = 6443
API_URL = f"https://{NODE}:{API_PORT}"
DOMAIN = "cluster.local"

DEVICE = "triptych0"  # on this machine; the node's end is eth0


def overlapping(routes: Iterable[str]) -> list[str]:
    """Those destinations of `ip -4 route` that overlap with the cluster's networks."""
    ours = (LINK, PODS, SERVICES)
    networks = {route: IPv4Network(route, strict=False) for route in routes if route[0].isdigit()}
    return [route for route, network in networks.items() if any(network.overlaps(own) for own in ours)]
