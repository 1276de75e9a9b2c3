"""A load test by the chart's Jobs, with its record on a volume that outlives their pods."""

import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from cluster.charts import NAME, Charted
from cluster.errors import ClusterError
from cluster.kubectl import Kubectl

_CLAIM = "records"
_USER = 1000
"""The chart's `podSecurity.user`."""
_RESOURCES = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}
_WORKERS = 2
_ASKING_S = 60
_ENDED_S = 90


@dataclass(frozen=True, slots=True)
class LoadTest:
    """One revision of a chart, which leaves its record under `records`."""

    charted: Charted
    records: Path
    revision: int

    @property
    def record(self) -> Path:
        """The folder that its master writes."""
        return self.records / str(self.revision)

    def ended(self, part: str) -> str:
        """How the Job of the `master` or of each `worker` ended: Complete or Failed.

        Raises:
            ClusterError: it did not; what its pods said is in the message
        """
        deadline = time.monotonic() + _ENDED_S
        while True:
            status = self.charted.kubectl.get("job", self._job(part))["status"]
            for condition in status.get("conditions", []):
                if condition["type"] in {"Complete", "Failed"} and condition["status"] == "True":
                    return str(condition["type"])
            if time.monotonic() > deadline:
                raise ClusterError(f"{self._job(part)} did not end: {status}\n{self.charted.last_words()}")
            time.sleep(0.5)

    def exit_codes(self, part: str) -> list[int]:
        """Of the containers that ended, lowest first."""
        items = self.charted.kubectl.get("pods", f"--selector=job-name={self._job(part)}")["items"]
        states = [state["state"] for item in items for state in item["status"].get("containerStatuses", [])]
        return sorted(state["terminated"]["exitCode"] for state in states if "terminated" in state)

    def said(self, part: str) -> str:
        """What its pods said."""
        return self.charted.kubectl("logs", f"--selector=job-name={self._job(part)}", "--tail=-1")

    def kill_a_worker(self) -> None:
        """Kill -9 one as soon as both ask; from outside, since a worker is process 1 of its pod.

        Raises:
            ClusterError: they never do
        """
        deadline = time.monotonic() + _ASKING_S
        while len(list(self.record.glob("samples-*.csv"))) < _WORKERS:
            if time.monotonic() > deadline:
                raise ClusterError(f"the workers ask nothing\n{self.charted.last_words()}")
            time.sleep(0.2)
        ours = {"--worker", f"--master-host={NAME}-loadtest.{self.charted.kubectl.namespace}.svc"}
        workers = [found for found in psutil.process_iter(["cmdline"]) if ours <= set(found.info["cmdline"] or ())]
        workers[0].send_signal(signal.SIGKILL)

    def _job(self, part: str) -> str:
        return f"{NAME}-loadtest-{part}-{self.revision}"


def started(charted: Charted, records: Path, *, crowds: int, seconds: int) -> LoadTest:
    """Upgrade the chart with a load test of two workers, on the claim that `claimed` made.

    crowds: of ten requests a second each

    Raises:
        ClusterError: helm refused
    """
    test = {
        "enabled": True,
        "count": crowds,
        "workers": _WORKERS,
        "seconds": seconds,
        "recordClaim": _CLAIM,
        "resources": _RESOURCES,
    }
    charted.install({"loadTest": test})
    [release] = json.loads(charted("list", f"--filter=^{NAME}$", "--output=json"))
    return LoadTest(charted, records, int(release["revision"]))


@contextmanager
def claimed(kubectl: Kubectl, folder: Path) -> Iterator[None]:
    """A claim for a folder of this machine, in the namespace."""
    os.chown(folder, _USER, _USER)
    volume = f"{_CLAIM}-{kubectl.namespace}"
    size, reference = {"storage": "1Gi"}, {"name": _CLAIM, "namespace": kubectl.namespace}
    both = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    of_volume = {**both, "capacity": size, "hostPath": {"path": str(folder)}, "claimRef": reference}
    of_claim = {**both, "resources": {"requests": size}, "volumeName": volume}
    kubectl.apply(_object("PersistentVolume", volume, of_volume), _object("PersistentVolumeClaim", _CLAIM, of_claim))
    yield
    kubectl("delete", "persistentvolumeclaim", _CLAIM, "--wait=false")
    kubectl("delete", "persistentvolume", volume, "--wait=false")


def _object(kind: str, name: str, spec: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
