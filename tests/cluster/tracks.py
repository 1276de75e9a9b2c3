"""The chart's two tracks and its routes on a cluster, with pods that are there in a second and serve nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cluster.images import BUSYBOX, PAUSE
from cluster.kubectl import Kubectl
from helm.chart import render

NAME = "test-triptych"
OLD, NEW = "7" * 64, "8" * 64
"""Digests of releases 7 and 8."""
USER = "operator"
"""Who has the chart's Role, and nothing else."""

_SECURITY = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
_VALUES: Mapping[str, Any] = {
    "tracks": {
        "stable": {"release": {"number": 7, "manifestSha256": OLD}, "replicas": 2},
        "candidate": {"enabled": True, "release": {"number": 7, "manifestSha256": OLD}, "replicas": 0},
    },
    "store": {"url": "s3://models/triptych"},
    "routes": {"enabled": True, "parentRefs": [{"name": "edge"}]},
    "rollout": {"enabled": True, "subjects": [{"kind": "ServiceAccount", "name": USER}]},
}
_KINDS = ("Deployment", "Service", "HTTPRoute", "GRPCRoute", "Role", "RoleBinding", "ServiceAccount")


@dataclass(frozen=True, slots=True)
class Tracks:
    """Two tracks in a namespace; the release 7 is stable."""

    kubectl: Kubectl
    folder: Path

    def plan(self, **fields: Any) -> Path:
        """A plan's file: quick, and judged by nothing unless the fields say so."""
        quick = {"gates": [], "look_every_s": 0.1, "drain_s": 0.2, "steps": steps(5, 50, 100)}
        file = self.folder / "plan.yaml"
        file.write_text(yaml.safe_dump({**quick, **fields}))
        return file

    def start(self, *options: object, plan: Path | None = None) -> tuple[str, ...]:
        """The arguments of `triptych` that begin a rollout of release 8."""
        chosen = plan or self.plan()
        return self.command("start", "--release", 8, "--manifest-sha256", NEW, "--plan", chosen, *options)

    def command(self, name: str, *options: object) -> tuple[str, ...]:
        """The arguments of `triptych` for a command on these tracks."""
        return ("rollout", name, "--name", NAME, *map(str, options))

    def kubeconfig(self, user: str | None = None) -> Path:
        """For this user, else for the administrator; the namespace is ours."""
        file = self.folder / f"{user or 'admin'}.kubeconfig"
        if not file.exists():
            document = yaml.safe_load(self.kubectl.kubeconfig.read_text())
            document["contexts"][0]["context"]["namespace"] = self.kubectl.namespace
            if user:
                document["users"][0]["user"] = {"token": self.kubectl("create", "token", user).strip()}
            file.write_text(yaml.safe_dump(document))
        return file

    def environment(self, *, user: str | None = None) -> dict[str, str]:
        """Of the command; as this user, else as the administrator."""
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig(user)), "TRIPTYCH_ROLLOUT_BY": user or "ada"}

    def run(self, arguments: tuple[str, ...], *, user: str | None = None) -> subprocess.CompletedProcess[str]:
        """`triptych ARGUMENTS…` to its end."""
        with self.begun(arguments, user=user) as process:
            output, errors = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    @contextmanager
    def begun(self, arguments: tuple[str, ...], *, user: str | None = None) -> Iterator["subprocess.Popen[str]"]:
        """`triptych ARGUMENTS…`, killed at the end if it still runs."""
        command = [str(Path(sys.prefix) / "bin" / "triptych"), *arguments]
        environment = self.environment(user=user)
        with subprocess.Popen(
            command, text=True, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def record(self) -> dict[str, Any]:
        """The record of rollouts; empty where there is none."""
        done = self.kubectl.run("get", "configmap", f"{NAME}-rollout", "--output", "json")
        if done.returncode != 0:
            return {}
        found: dict[str, Any] = json.loads(json.loads(done.stdout)["data"]["record.json"])
        return found

    def phase(self) -> str:
        """Of the rollout that was begun last."""
        current = self.record().get("current", {})
        return str(current.get("phase", "preparing" if current else "none"))

    def weights(self) -> list[int]:
        """The candidate's weight in each route."""
        found = self.kubectl.get(f"httproute/{NAME}", f"grpcroute/{NAME}")["items"]
        return [backends(each)[f"{NAME}-candidate"] for each in found]

    def release(self, track: str) -> str:
        """The release that a track's pods are to pull."""
        template = self.kubectl.get("deployment", f"{NAME}-{track}")["spec"]["template"]
        return str(template["metadata"]["labels"]["triptych/release"])

    def replicas(self, track: str) -> int:
        """A track's pods as they are wanted."""
        return int(self.kubectl.get("deployment", f"{NAME}-{track}")["spec"]["replicas"])

    def versions(self) -> dict[str, str]:
        """What changes whenever anybody writes to an object of a rollout: its generation, or its resource version."""
        found = self.kubectl.get(
            f"httproute/{NAME}", f"grpcroute/{NAME}", f"deploy/{NAME}-stable", f"deploy/{NAME}-candidate"
        )
        versions = {
            f"{each['kind']} {metadata['name']}": f"{metadata['generation']} {metadata.get('annotations')}"
            for each in found["items"]
            for metadata in [each["metadata"]]
        }
        kept = self.kubectl.get("configmap,lease", "--selector=app.kubernetes.io/part-of=triptych")
        return versions | {each["kind"]: each["metadata"]["resourceVersion"] for each in kept["items"]}

    def set_up(self, *, routed: bool = True) -> None:
        """Everything as the chart renders it, and no rollout; without routes the tracks share a Service."""
        self.kubectl.run("delete", f"configmap/{NAME}-rollout", f"lease/{NAME}-rollout", "--ignore-not-found")
        objects = [
            deepcopy(dict(each)) for each in render(_VALUES, routes__enabled=routed).objects if each["kind"] in _KINDS
        ]
        for each in objects:
            del each["metadata"]["namespace"]
            if each["kind"] == "Deployment":
                _shrink(each)
            if each["kind"] == "RoleBinding":
                for subject in each["subjects"]:
                    subject["namespace"] = self.kubectl.namespace
        self.kubectl("delete", "--filename", "-", "--ignore-not-found", manifest=_list(objects))
        self.kubectl("create", "--filename", "-", manifest=_list(objects))
        if not self.kubectl.exists("serviceaccount", USER):
            self.kubectl("create", "serviceaccount", USER)
        self.kubectl("rollout", "status", f"deployment/{NAME}-stable", "--timeout=60s")


def steps(*weights: int, least_s: float = 0.0) -> list[dict[str, Any]]:
    """Steps of these weights that ask for no samples."""
    return [{"weight_percent": weight, "least_s": least_s, "least_samples": 0} for weight in weights]


def backends(route: Mapping[str, Any]) -> dict[str, int]:
    """The weights of a route's first rule."""
    return {each["name"]: each["weight"] for each in route["spec"]["rules"][0]["backendRefs"]}


def _shrink(deployment: dict[str, Any]) -> None:
    """The pod's `pull` as the chart renders it, but nothing is pulled, and nothing is served."""
    spec = deployment["spec"]["template"]["spec"]
    pull = next(each for each in spec["initContainers"] if each["name"] == "pull")
    tiny = {"imagePullPolicy": "Never", "securityContext": _SECURITY}
    deployment["spec"]["minReadySeconds"] = 0
    deployment["spec"]["template"]["spec"] = {
        "automountServiceAccountToken": False,
        "dnsPolicy": "Default",
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "terminationGracePeriodSeconds": 0,
        "initContainers": [
            {"name": "pull", "image": BUSYBOX, "command": ["/bin/busybox", "true"], "args": pull["args"], **tiny}
        ],
        "containers": [{"name": "server", "image": PAUSE, **tiny}],
    }


def _list(objects: list[Any]) -> Mapping[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": objects}
