"""The load test as Jobs of the chart, and load from outside while a release is rolled out."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.asking import GATEWAY_URLS
from cluster.charts import NAME, Charted, track
from cluster.cluster import is_own
from cluster.load_test import claimed, started
from cluster.store import PublishedReleases
from commands import triptych
from helm.binaries import find_helm
from helm.chart import CHART
from loadtests.records import read

pytestmark = pytest.mark.skipif(not is_own(), reason="needs a node of our own")

CROWDS = 2
OFFERED_PER_S = 10 * CROWDS
SECONDS = 15
"""Of load; a worker that is killed is noticed three seconds later."""
ROLLOUT_PER_S = 10


@pytest.fixture(scope="module")
def records(chart: Charted, loadtest_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the load tests of the chart leave their records."""
    assert loadtest_image
    folder = tmp_path_factory.mktemp("records")
    with claimed(chart.kubectl, folder):
        yield folder
        chart.install()  # the claim stays as long as a pod has it


def test_two_workers_measure_the_charts_own_server(chart: Charted, records: Path) -> None:
    test = started(chart, records, crowds=CROWDS, seconds=SECONDS)
    assert (test.ended("master"), test.ended("worker")) == ("Complete", "Complete"), test.said("master")
    stored = read(test.record)
    by_worker = [len(path.read_text().splitlines()) for path in test.record.glob("samples-*.csv")]
    assert len(by_worker) == stored.run.processes == 2
    assert min(by_worker) > 0.25 * sum(by_worker)
    assert len(stored.samples) == pytest.approx(OFFERED_PER_S * SECONDS, rel=0.3)

    done = triptych("loadtest", "report", test.record, "--json", "--objective", "errors<0.1%")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    [stage] = report["stages"]
    assert (report["state"], report["releases"]) == ("held", {"1": stage["good"]})
    assert stage["good"] == stage["offered"] == len(stored.samples)
    [total] = [line.split() for line in test.said("master").splitlines() if line.split()[:1] == ["Aggregated"]][:1]
    assert int(total[1]) == stage["good"]
    p50_ms, p99_ms = (stage[name] * 1000 for name in ("p50_s", "p99_s"))
    print(
        f"a load test by Jobs: {stage['good']} of {stage['offered']} requests good in {SECONDS} s of {OFFERED_PER_S} "
        f"offered a second, {by_worker} by worker; p50 {p50_ms:.1f} ms, p99 {p99_ms:.1f} ms"
    )


def test_a_worker_that_is_killed_is_said_and_the_other_goes_on(chart: Charted, records: Path) -> None:
    test = started(chart, records, crowds=CROWDS, seconds=SECONDS)
    test.kill_a_worker()
    assert (test.ended("master"), test.ended("worker")) == ("Failed", "Failed")
    assert (test.exit_codes("master"), test.exit_codes("worker")) == ([1], [0, 137])
    stored = read(test.record)
    ends_s = max(sample.done_s for sample in stored.samples)
    late = [sample for sample in stored.samples if sample.intended_s > ends_s - 5]
    assert len(late) == pytest.approx(OFFERED_PER_S / 2 * 5, rel=0.5)  # Locust gives the other no more than its own
    assert all(sample.is_good for sample in late)

    done = triptych("loadtest", "report", test.record)
    assert done.returncode == 1, done.stdout
    [line] = [line for line in done.stderr.splitlines() if "lost" in line]
    print(f"a worker killed in mid-run: {line!r}; the other asked {len(late)} times in the last 5 of {ends_s:.1f} s")


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
