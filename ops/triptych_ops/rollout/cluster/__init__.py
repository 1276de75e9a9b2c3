"""A rollout's objects on a real cluster. The only package that imports the Kubernetes client."""

from .access import Access, Names
from .cluster import KubernetesCluster
from .events import Events
from .leases import KubernetesLeases
from .objects import MARK

__all__ = ["MARK", "Access", "Events", "KubernetesCluster", "KubernetesLeases", "Names"]
