"""kubectl, on one cluster."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.errors import ClusterError


@dataclass(frozen=True, slots=True)
class Kubectl:
    """Runs kubectl with this kubeconfig; `namespace` is where it looks unless an argument says otherwise."""

    kubeconfig: Path
    namespace: str = "default"

    def __call__(self, *arguments: str, manifest: Mapping[str, Any] | str | None = None, timeout_s: float = 120) -> str:
        """What `kubectl ARGUMENTS…` printed; a manifest is its standard input.

        Raises:
            ClusterError: it failed; what it said is the message
        """
        done = self.run(*arguments, manifest=manifest, timeout_s=timeout_s)
        if done.returncode != 0:
            raise ClusterError(f"kubectl {' '.join(arguments[:4])} failed: {done.stderr.strip()}")
        return done.stdout

    def run(
        self, *arguments: str, manifest: Mapping[str, Any] | str | None = None, timeout_s: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """The same to its end, whatever that is."""
        text = manifest if manifest is None or isinstance(manifest, str) else json.dumps(manifest)
        return subprocess.run(
            [_program(), "--kubeconfig", str(self.kubeconfig), "--namespace", self.namespace, *arguments],
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def get(self, *arguments: str) -> Any:
        """What `kubectl get ARGUMENTS…` gives, as JSON says it."""
        return json.loads(self("get", *arguments, "--output", "json"))

    def exists(self, kind: str, name: str) -> bool:
        """Whether there is such an object."""
        return self.run("get", kind, name).returncode == 0

    def apply(self, *manifests: Mapping[str, Any]) -> str:
        """Apply these manifests in one go; what it printed, warnings included.

        Raises:
            ClusterError: the API refused one of them
        """
        return self._apply(manifests)

    def dry_run(self, *manifests: Mapping[str, Any]) -> str:
        """What `apply` would print: the API checks them all, and keeps none.

        Raises:
            ClusterError: the API refused one of them
        """
        return self._apply(manifests, "--dry-run=server")

    def _apply(self, manifests: Sequence[Mapping[str, Any]], *options: str) -> str:
        document = {"apiVersion": "v1", "kind": "List", "items": manifests}
        done = self.run("apply", "--filename", "-", *options, manifest=document)
        if done.returncode != 0:
            raise ClusterError(f"kubectl apply failed: {done.stderr.strip()}")
        return done.stdout + done.stderr

    def nodes(self) -> dict[str, bool]:
        """The nodes, and whether each is ready; none while the API does not answer."""
        done = self.run("get", "nodes", "--output", "json")
        items = json.loads(done.stdout)["items"] if done.returncode == 0 else []
        return {item["metadata"]["name"]: _ready(item) for item in items}


def _ready(item: Any) -> bool:
    conditions = item["status"].get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _program() -> str:
    """The environment's own, else the machine's."""
    own = Path(sys.prefix) / "bin" / "kubectl"
    found = str(own) if os.access(own, os.X_OK) else shutil.which("kubectl")
    if found is None:
        raise ClusterError("kubectl is not installed: run make cluster, which installs it")
    return found
