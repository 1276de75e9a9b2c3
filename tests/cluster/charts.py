"""The chart on the cluster: real releases of it, for the image of this checkout and small machines."""

import json
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cluster.errors import ClusterError
from cluster.kubectl import Kubectl
from cluster.loadtest_image import LOADTEST
from cluster.server_image import SERVER
from cluster.store import SECRET, URL, PublishedReleases
from helm.binaries import find_helm
from helm.chart import CHART, merged

GATEWAY = "edge"
NAME = "triptych"
"""Of the release of the chart, and so of its objects."""

_POD_S = 60
_KILL_A_STUB = """
for process in /proc/[0-9]*; do
    case $(tr '\\0' ' ' < $process/cmdline) in /*python_backend_stub*/preprocess/*) kill -9 ${process#/proc/}; esac
done
"""
_SMALL = {"requests": {"cpu": "50m", "memory": "64Mi"}}


@dataclass(frozen=True, slots=True)
class Charted:
    """A release of the chart in a namespace."""

    kubectl: Kubectl
    values: Mapping[str, Any]

    def install(self, changes: Mapping[str, Any] | None = None, *, wait: bool = True, timeout_s: int = 170) -> str:
        """`helm upgrade --install` with these values laid over the usual ones; what helm said.

        Raises:
            ClusterError: helm refused, or pods were not ready in time
        """
        waiting = ("--wait", f"--timeout={timeout_s}s") if wait else ()
        try:
            return self("upgrade", "--install", NAME, str(CHART), "--values=-", *waiting, values=self.merged(changes))
        except ClusterError as error:
            raise ClusterError(f"{error}\n{self.last_words()}") from error

    def pods(self, *, at_least: int = 1) -> list[str]:
        """The server's pods that are not going, as soon as there are so many.

        Raises:
            ClusterError: there are fewer
        """
        deadline = time.monotonic() + _POD_S
        while True:
            items = self.kubectl.get("pods", "--selector=app.kubernetes.io/component=server")["items"]
            found = [item["metadata"] for item in items if "deletionTimestamp" not in item["metadata"]]
            if len(found) >= at_least:
                return [each["name"] for each in found]
            if time.monotonic() > deadline:
                raise ClusterError(f"there are {len(found)} pods, not {at_least}")
            time.sleep(0.1)

    def kill_a_stub(self, pod: str) -> None:
        """Kill -9 the process that prepares images."""
        self.kubectl("exec", pod, "--container", "server", "--", "sh", "-c", _KILL_A_STUB)

    def ready(self, pod: str) -> bool:
        """Whether a pod gets requests."""
        conditions = self.kubectl.get("pod", pod)["status"]["conditions"]
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    def restarts(self, pod: str) -> dict[str, int]:
        """How often each container of a pod was started again; none of those that never ran."""
        status = self.kubectl.get("pod", pod)["status"]
        found = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
        return {each["name"]: each["restartCount"] for each in found if each.get("containerID")}

    def said(self, pod: str, container: str, word: str) -> str:
        """The first line with this word that a container says.

        Raises:
            ClusterError: it says none
        """
        deadline = time.monotonic() + _POD_S
        while True:
            done = self.kubectl.run("logs", pod, "--container", container)
            if lines := [line for line in done.stdout.splitlines() if word in line]:
                return lines[0]
            if time.monotonic() > deadline:
                raise ClusterError(f"{container} of {pod} does not say {word}: {done.stdout}{done.stderr}")
            time.sleep(0.2)

    def last_words(self) -> str:
        """What each container of each pod said last, and what became of it."""
        words = []
        for pod in self.kubectl.get("pods")["items"]:
            name, status = pod["metadata"]["name"], pod["status"]
            for found in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
                said = self.kubectl.run("logs", name, "--container", found["name"], "--tail=20")
                words.append(f"{name} {found['name']} {found['state']}\n{said.stdout}{said.stderr}")
        return "\n".join(words)

    def merged(self, changes: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """The usual values with these laid over them."""
        return merged(self.values, changes or {})

    def __call__(self, *arguments: str, values: Mapping[str, Any] | None = None) -> str:
        """What `helm ARGUMENTS…` said in the namespace.

        Raises:
            ClusterError: it failed; what it said is the message
        """
        options = ("--kubeconfig", str(self.kubectl.kubeconfig), "--namespace", self.kubectl.namespace)
        done = subprocess.run(
            [str(find_helm(os.environ)), *arguments, *options],
            input=json.dumps(values or {}),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode != 0:
            raise ClusterError(f"helm {arguments[0]} failed: {done.stderr.strip()}")
        return done.stdout + done.stderr


def small_values(releases: PublishedReleases) -> dict[str, Any]:
    """One pod of release 1 behind the Gateway `edge`, for the cluster's images and two cores."""
    image = _image(SERVER)
    return {
        "images": {"server": {**image, "triton": "24.10"}, "tooling": image, "loadtest": _image(LOADTEST)},
        "allowVulnerable": True,
        "tracks": {"stable": {**track(releases, 1), "replicas": 1}},
        "store": {"url": URL, "credentialsSecret": SECRET, "environment": _environment(releases)},
        "server": {"resources": {"requests": {"cpu": "600m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}}},
        "health": {"resources": _SMALL},
        "edge": {"cpuRequest": "100m"},
        "routes": {"enabled": True, "parentRefs": [{"name": GATEWAY}]},
        "networkPolicy": {"storePort": releases.port},
    }


def track(releases: PublishedReleases, number: int) -> dict[str, Any]:
    """The values of a track that serves this release."""
    return {"release": {"number": number, "manifestSha256": releases.manifests[number]}}


def _image(name: str) -> dict[str, str]:
    repository, _, tag = name.partition(":")
    return {"repository": repository, "tag": tag, "pullPolicy": "Never"}


def _environment(releases: PublishedReleases) -> dict[str, str]:
    secret = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    return {name: value for name, value in releases.objects.environment().items() if name not in secret}
