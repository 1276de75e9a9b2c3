"""The node as seen from this machine: starts its process 1 in namespaces of its own, runs commands in them, ends it."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from cluster import cgroups
from cluster.addresses import DEVICE, LINK, MACHINE, NODE, PODS, SERVICES, overlapping
from cluster.errors import ClusterError
from cluster.layout import Layout
from cluster.programs import Tools

_NAMESPACES = ("--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup")
_COMMANDS = ("ip", "mount", "nsenter", "unshare")
_APPEAR_S = 10
_VANISH_S = 5


def check_machine() -> None:
    """Whether a node can be made here.

    Raises:
        ClusterError: not root, a command is missing, or a network is in use
    """
    if os.geteuid() != 0:
        raise ClusterError("only root can make a node: run as root, or set KUBECONFIG")
    for command in _COMMANDS:
        if shutil.which(command) is None:
            raise ClusterError(f"{command} is not installed: install it, or set KUBECONFIG")
    routes = [line.split()[0] for line in _ip("-4", "route").splitlines() if DEVICE not in line]
    if taken := overlapping(routes):
        raise ClusterError(f"this machine has a route to {taken[0]}, a network of the cluster's: set KUBECONFIG")


def start(layout: Layout, tools: Tools) -> None:
    """Start process 1 and make the link to it; the programs come up after this returns.

    Raises:
        ClusterError: it ended at once
    """
    joined = "".join(f"echo $$ > {shlex.quote(str(path))}/cgroup.procs; " for path in cgroups.make_cgroups())
    init = [
        sys.executable,
        "-m",
        "cluster.init",
        *map(str, (tools.kubernetes, tools.debian, tools.traefik, tools.coredns, layout.cache)),
    ]
    command = ["unshare", *_NAMESPACES, "--fork", "--kill-child", "--mount-proc", *init]
    with (layout.logs / "init.log").open("ab") as log:
        process = subprocess.Popen(
            ["/bin/sh", "-ec", f"{joined}exec {shlex.join(command)}"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[1])},
            start_new_session=True,
        )
    deadline = time.monotonic() + _APPEAR_S
    while (pid := find_init()) is None or _namespace(pid) == _namespace(os.getpid()):
        if process.poll() is not None or time.monotonic() > deadline:
            text = (layout.logs / "init.log").read_text(encoding="utf-8", errors="replace")
            raise ClusterError(f"the node did not start: {text.strip()[-2000:]}")
        time.sleep(0.02)
    process.returncode = 0  # it outlives this process
    _ip("link", "add", DEVICE, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
    _ip("address", "add", f"{MACHINE}/{LINK.prefixlen}", "dev", DEVICE)
    _ip("link", "set", DEVICE, "up")
    for network in (PODS, SERVICES):
        _ip("route", "add", str(network), "via", NODE, "dev", DEVICE)


def find_init() -> int | None:
    """The process here that is process 1 of the node."""
    for pid in cgroups.processes(cgroups.find_cgroups()):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        numbers = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
        if numbers[-1:] == ["1"] and len(numbers) == len(_own_numbers()) + 1 and b"cluster.init" in command:
            return pid
    return None


def run_inside(command: Sequence[str], *, timeout_s: float = 600) -> str:
    """Run a command on the node, in all its namespaces, and give what it printed.

    Raises:
        ClusterError: there is no node, or the command failed
    """
    pid = find_init()
    if pid is None:
        raise ClusterError("the cluster is not up: run make cluster")
    namespaces = ("--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup")
    done = subprocess.run(
        ["nsenter", "--target", str(pid), *namespaces, *command],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        cwd="/",
    )
    if done.returncode != 0:
        raise ClusterError(f"{' '.join(command)} failed on the node: {done.stderr.strip()[-2000:]}")
    return done.stdout


def stop(layout: Layout) -> None:
    """End the node with all that it is: processes, mounts, network and rules go with the namespaces, then the files.

    Raises:
        ClusterError: something of it stays
    """
    found = cgroups.find_cgroups()
    for pid in cgroups.processes(found):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    cgroups.remove(found)
    _remove_link()
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    inside = [mount for mount in mounts if mount.startswith(f"{layout.state}/")]
    if inside:
        raise ClusterError(f"{inside[0]} is still mounted: unmount it, then run make cluster-down again")
    if layout.state.exists():
        shutil.rmtree(layout.state)


def _remove_link() -> None:
    """It goes with the node's network, a moment after the last process; without a node it is still all here."""
    device = Path(f"/sys/class/net/{DEVICE}")
    deadline = time.monotonic() + _VANISH_S
    while device.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    if device.exists():
        _ip("link", "delete", DEVICE)


def _namespace(pid: int) -> str:
    return str(Path(f"/proc/{pid}/ns/net").readlink())


def _own_numbers() -> list[str]:
    status = Path("/proc/self/status").read_text()
    return next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ClusterError(f"ip {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout
