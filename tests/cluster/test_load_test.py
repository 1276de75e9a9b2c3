"""The load test as Jobs of the chart, and load from outside while a release is rolled out."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cluster.addresses import NODE
from cluster.asking import GATEWAY_URLS
from cluster.charts import NAME, Charted, track
from cluster.cluster import is_own
from cluster.store import PublishedReleases
from commands import triptych
from helm.binaries import find_helm
from helm.chart import CHART
from loadtests.records import OK, Outcome, StoredRun, read

pytestmark = pytest.mark.skipif(not is_own(), reason="needs a node of our own")

WORKERS = 2
USERS = 2
SECONDS = 30
PER_S = 10  # of one user: GrpcCrowd
ENDED_WITHIN_S = 150
CLAIM = "record"
ROLLOUT_PER_S = 10
_SMALL = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}


@pytest.fixture
def record_folder(chart: Charted, tmp_path: Path) -> Iterator[Path]:
    """A folder of this machine that the chart's master writes to, by a claim."""
    folder = tmp_path / "record"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    for parent in list(folder.parents)[:3]:
        parent.chmod(parent.stat().st_mode | 0o055)
    space = {"storage": "1Gi"}
    name = f"{chart.kubectl.namespace}-{tmp_path.name.replace('_', '-')}"
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": space,
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "",
            "hostPath": {"path": str(folder)},
        },
    }
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": CLAIM},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "",
            "volumeName": name,
            "resources": {"requests": space},
        },
    }
    chart.kubectl.apply(volume, claim)
    yield folder
    chart.install()
    chart.kubectl("delete", "pvc", CLAIM, "--wait=false")
    chart.kubectl("delete", "pv", name, "--wait=false")


def _values(**changes: Any) -> Mapping[str, Any]:
    load = {"enabled": True, "users": "GrpcCrowd", "count": USERS, "workers": WORKERS, "seconds": SECONDS}
    names = {"dns": [{"ipBlock": {"cidr": f"{NODE}/32"}}]}
    return {"networkPolicy": names, "loadTest": {**load, "recordClaim": CLAIM, "resources": _SMALL, **changes}}


def _ended(chart: Charted, part: str) -> str:
    """`Complete` or `Failed`, once the Job of this part is one of them."""
    deadline = time.monotonic() + ENDED_WITHIN_S
    while True:
        [job] = [
            item
            for item in chart.kubectl.get("jobs")["items"]
            if f"loadtest-{part}" in item["metadata"]["name"] and "deletionTimestamp" not in item["metadata"]
        ]
        for condition in job["status"].get("conditions", []):
            if condition["type"] in {"Complete", "Failed"} and condition["status"] == "True":
                return str(condition["type"])
        assert time.monotonic() < deadline, f"{part} runs still: {job['status']}\n{chart.last_words()}"
        time.sleep(1)


def _record(folder: Path) -> StoredRun:
    [run] = [path.parent for path in folder.glob("*/run.json")]
    return read(run)


def _running(chart: Charted, part: str) -> list[str]:
    pods = chart.kubectl.get("pods", f"--selector=triptych/loadtest={part}", "--field-selector=status.phase=Running")
    return [item["metadata"]["name"] for item in pods["items"]]


def test_a_master_and_its_workers_ask_the_pods(chart: Charted, record_folder: Path) -> None:
    chart.install(_values())
    assert (_ended(chart, "master"), _ended(chart, "worker")) == ("Complete", "Complete"), chart.last_words()
    stored = _record(record_folder)
    assert stored.ending is not None
    assert stored.ending.outcome is Outcome.DONE, stored.ending.reason
    codes = {sample.code for sample in stored.samples}
    assert len(stored.samples) == pytest.approx(USERS * PER_S * SECONDS, rel=0.25)
    done = triptych("loadtest", "report", next(record_folder.glob("*/run.json")).parent, "--json")
    [stage] = json.loads(done.stdout)["stages"]
    print(
        f"Jobs, {WORKERS} workers: {len(stored.samples)} requests in {SECONDS} s, codes {sorted(codes)}, "
        f"p50 {stage['p50_s'] * 1000:.0f} ms, p99 {stage['p99_s'] * 1000:.0f} ms; exit {done.returncode} of the report"
    )
    assert codes == {OK}
    assert {sample.release for sample in stored.samples} == {1}


def test_a_worker_that_is_lost_fails_the_job_and_is_in_the_record(chart: Charted, record_folder: Path) -> None:
    chart.install(_values())
    deadline = time.monotonic() + ENDED_WITHIN_S
    while not list(record_folder.glob("*/samples-1.csv")):
        assert time.monotonic() < deadline, chart.last_words()
        time.sleep(0.5)
    chart.kubectl("delete", "pod", _running(chart, "worker")[0], "--grace-period=0", "--force")
    assert _ended(chart, "master") == "Failed"
    stored = _record(record_folder)
    assert stored.ending is not None
    assert stored.ending.outcome is Outcome.WORKER_LOST
    assert stored.samples
    print(f"a worker killed: {stored.ending.reason}; {len(stored.samples)} requests are in the record")


def test_load_during_an_upgrade_counts_what_failed(chart: Charted, releases: PublishedReleases, tmp_path: Path) -> None:
    chart.install()
    values = tmp_path / "values.json"
    values.write_text(json.dumps(chart.merged({"tracks": {"stable": track(releases, 2)}})))
    helm = (find_helm(os.environ), "upgrade", NAME, CHART, "--values", values, "--wait", "--timeout=170s")
    where = ("--kubeconfig", chart.kubectl.kubeconfig, "--namespace", chart.kubectl.namespace)
    done = triptych(
        *("loadtest", "rollout", "--url", GATEWAY_URLS["grpc"], "--rate", ROLLOUT_PER_S, "--json"),
        *("--out", tmp_path / "run", "--", *helm, *where),
        timeout_s=300,
    )
    chart.install()
    told = json.loads(done.stdout)
    shares = {each["release"]: each["answered"] for each in told["releases"]}
    print(
        f"upgrade under load from outside: {told['sent']} requests, {told['failed']} failed, "
        f"{told['mixed']} mixed, by release {shares}"
    )
    assert (done.returncode, told["failed"], told["mixed"]) == (0, {}, 0), done.stderr
    assert told["status"] == 0
    assert set(shares) == {1, 2}
