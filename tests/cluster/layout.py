"""Where the cluster's files lie: what it runs from, kept between runs, and what it writes, gone with `down`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CGROUP = "triptych-cluster"
NODE_NAME = "triptych-node"


@dataclass(frozen=True, slots=True)
class Layout:
    """`cache` holds programs by version, and in `state` everything that a cluster writes."""

    cache: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Layout":
        """Under XDG_CACHE_HOME, or where that is by default."""
        folder = environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME", "/root")) / ".cache"
        return cls(Path(folder) / "triptych" / "cluster")

    @property
    def state(self) -> Path:
        """Gone with `down`."""
        return self.cache / "state"

    @property
    def certificates(self) -> Path:
        """Certificates and keys."""
        return self.state / "certificates"

    @property
    def configuration(self) -> Path:
        """Configuration files and kubeconfigs of the programs."""
        return self.state / "configuration"

    @property
    def logs(self) -> Path:
        """One log a program."""
        return self.state / "logs"

    @property
    def images(self) -> Path:
        """Image archives that are imported at the start."""
        return self.state / "images"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's, for KUBECONFIG."""
        return self.state / "kubeconfig"

    @property
    def started(self) -> Path:
        """There once all of Kubernetes runs."""
        return self.state / "started"

    @property
    def defined(self) -> Path:
        """There once the API knows Gateways and what each user may do, so that Traefik and CoreDNS may start."""
        return self.state / "defined"

    @property
    def complete(self) -> Path:
        """There once everything runs."""
        return self.state / "complete"

    @property
    def deaths(self) -> Path:
        """There once a program has ended."""
        return self.state / "deaths"

    @property
    def containerd_socket(self) -> Path:
        """Where containerd listens."""
        return self.state / "containerd.sock"
