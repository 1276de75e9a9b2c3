"""`down` leaves nothing behind, however far `up` had come."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cluster import node
from cluster.cluster import down, is_own, up
from cluster.kubectl import Kubectl
from cluster.layout import Layout
from cluster.manifests import web
from cluster.tools import fetch_tools
from cluster.traces import Traces, find_traces

pytestmark = pytest.mark.skipif(not is_own(), reason="needs a node of our own")

_UNREACHABLE = ("unreachable", "198.51.100.9/32")


def traces(layout: Layout) -> Traces:
    debian = fetch_tools(layout.cache, say=print).debian
    return find_traces(debian, folders=(layout.cache, layout.state))


@pytest.fixture
def before(cluster: Kubectl, layout: Layout) -> Iterator[Traces]:
    """What was there without the cluster, which later tests find up again."""
    assert cluster.kubeconfig == layout.kubeconfig
    down(layout)
    yield traces(layout)
    up(layout, environment={}, say=print)


def test_it_leaves_no_trace_of_a_cluster_with_pods(before: Traces, layout: Layout) -> None:
    kubectl = Kubectl(up(layout, environment={}, say=print))
    kubectl.apply(*web("web", replicas=2))
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    # The control: what can be seen from outside is seen; mounts, rules and settings are the node's own.
    assert {"processes", "cgroups", "links", "routes", "files"} == set(traces(layout).beyond(before))
    assert "table ip kube-proxy" in node.run_inside(["sh", "-c", f"{nft(layout)} list tables"])

    down(layout)
    assert traces(layout).beyond(before) == {}
    assert before.beyond(traces(layout)) == {}


@pytest.mark.parametrize("after_s", [0.7, 1.5, 4])
def test_it_leaves_no_trace_of_an_up_that_was_killed(before: Traces, layout: Layout, after_s: float) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "KUBECONFIG"}
    command = [sys.executable, "-m", "cluster", "up"]
    process = subprocess.Popen(command, env={**environment, "PYTHONPATH": str(Path(__file__).parents[1])})
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    process.wait()
    down(layout)
    assert traces(layout).beyond(before) == {}


def test_up_twice_changes_nothing(cluster: Kubectl, layout: Layout) -> None:
    first = node.find_init()
    assert up(layout, environment={}, say=print) == cluster.kubeconfig
    assert node.find_init() == first


def test_the_comparison_sees_what_is_left(layout: Layout, tmp_path: Path) -> None:
    """The control of the tests above: one thing of each kind is left on purpose."""
    debian = fetch_tools(layout.cache, say=print).debian
    before = find_traces(debian, folders=[tmp_path])
    mounted, cgroup = tmp_path / "mount", Path("/sys/fs/cgroup/pids/triptych-trace")
    mounted.mkdir()
    cgroup.mkdir()
    nft = [f"{debian}/usr/sbin/nft"]
    environment = {**os.environ, "LD_LIBRARY_PATH": f"{debian}/usr/lib/x86_64-linux-gnu"}
    plants = (
        (["mount", "-t", "tmpfs", "tmpfs", str(mounted)], ["umount", str(mounted)]),
        (["ip", "link", "add", "trace0", "type", "veth", "peer", "name", "trace1"], ["ip", "link", "delete", "trace0"]),
        (["ip", "route", "add", *_UNREACHABLE], ["ip", "route", "delete", *_UNREACHABLE]),
        ([*nft, "add", "table", "ip", "triptych-trace"], [*nft, "delete", "table", "ip", "triptych-trace"]),
    )
    with ExitStack() as planted:
        planted.callback(cgroup.rmdir)
        for plant, remove in plants:
            subprocess.run(plant, check=True, env=environment)
            planted.callback(subprocess.run, remove, check=True, env=environment)
        process = subprocess.Popen(["unshare", "--net", "sleep", "30"])
        planted.callback(process.wait)
        planted.callback(process.kill)
        time.sleep(0.2)
        found = find_traces(debian, folders=[tmp_path]).beyond(before)
    assert {"processes", "mounts", "cgroups", "links", "routes", "rules", "files"} == set(found)


def nft(layout: Layout) -> str:
    debian = fetch_tools(layout.cache, say=print).debian
    return f"env LD_LIBRARY_PATH={debian}/usr/lib/x86_64-linux-gnu {debian}/usr/sbin/nft"
