"""Brings the cluster up and takes it down, or takes the one that the user has."""

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster import cgroups, gateway, names, node
from cluster.configuration import kubeconfig, write_configuration
from cluster.errors import ClusterError
from cluster.identities import write_certificates
from cluster.images import write_small_images
from cluster.kubectl import Kubectl
from cluster.layout import NODE_NAME, Layout
from cluster.loadtest_image import LOADTEST, write_loadtest_image
from cluster.programs import import_command
from cluster.server_image import SERVER, write_server_image
from cluster.tools import fetch_tools, gateway_definitions

_UP_S = 240
_KIND = "triptych"


@dataclass(frozen=True, slots=True)
class Status:
    """What is up.

    nodes: name to whether it is ready
    deaths: programs that ended, with the last lines of their logs
    """

    kubeconfig: Path | None
    nodes: Mapping[str, bool]
    memory_bytes: int
    deaths: str


def is_own(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether `up` makes a node itself, which alone has the images and the network that most tests need."""
    return not environment.get("KUBECONFIG") and shutil.which("kind") is None


def fetch(layout: Layout, *, say: Callable[[str], None]) -> None:
    """Fetch and build the programs of our own node, which takes long the first time.

    Raises:
        ClusterError: Go, apt or what they fetch is missing
    """
    with _alone(layout):
        fetch_tools(layout.cache, say=say)


def up(layout: Layout, *, environment: Mapping[str, str], say: Callable[[str], None]) -> Path:
    """The kubeconfig of a ready cluster: the user's, else one by kind, else our own; a second time it changes nothing.

    Raises:
        ClusterError: it did not come up; nothing is removed, so that its logs can be read
    """
    if given := environment.get("KUBECONFIG"):
        say("KUBECONFIG is set: that cluster is used as it is")
        return Path(given)
    with _alone(layout):
        if shutil.which("kind"):
            return _kind_up(layout)
        return _own_up(layout, say=say)


def down(layout: Layout) -> None:
    """Remove what `up` made, also where it was killed halfway; the cache stays.

    Raises:
        ClusterError: something of it stays
    """
    with _alone(layout):
        if shutil.which("kind") and layout.kubeconfig.exists():
            _kind("delete", "cluster", "--name", _KIND, "--kubeconfig", str(layout.kubeconfig))
        node.stop(layout)


def status(layout: Layout) -> Status:
    """What is up."""
    found = cgroups.find_cgroups()
    running = node.find_init() is not None
    return Status(
        kubeconfig=layout.kubeconfig if running else None,
        nodes=Kubectl(layout.kubeconfig).nodes() if running else {},
        memory_bytes=cgroups.usage(found)["memory_bytes"],
        deaths=layout.deaths.read_text(encoding="utf-8") if layout.deaths.exists() else "",
    )


def load_server_image(layout: Layout, *, say: Callable[[str], None]) -> str:
    """Make the image that serves releases from this checkout, and give it to the running node; its name.

    Raises:
        ClusterError: a package cannot be had, or our own cluster is not up
    """
    _load(layout, lambda archive: write_server_image(archive, layout.cache, say=say))
    return SERVER


def load_loadtest_image(layout: Layout, *, say: Callable[[str], None]) -> str:
    """The same with the load generator's.

    Raises:
        ClusterError: a package cannot be had, or our own cluster is not up
    """
    _load(layout, lambda archive: write_loadtest_image(archive, layout.cache, say=say))
    return LOADTEST


def load_image(layout: Layout, archive: Path) -> None:
    """Give the running node an image.

    Raises:
        ClusterError: our own cluster is not up, or the archive holds no image
    """
    tools = fetch_tools(layout.cache, say=lambda _: None)
    node.run_inside(import_command(layout, tools, archive))


def _load(layout: Layout, write: Callable[[Path], None]) -> None:
    with _alone(layout):
        if node.find_init() is None:
            raise ClusterError("the cluster is not up: run make cluster")
        archive = layout.state / "image.tar"
        try:
            write(archive)
            load_image(layout, archive)
        finally:
            archive.unlink(missing_ok=True)


def _own_up(layout: Layout, *, say: Callable[[str], None]) -> Path:
    if node.find_init() is None:
        node.check_machine()
        tools = fetch_tools(layout.cache, say=say)
        node.stop(layout)
        layout.state.mkdir(parents=True, mode=0o700)
        layout.logs.mkdir()
        write_certificates(layout.certificates)
        write_configuration(layout, tools.debian)
        write_small_images(layout.images, tools.debian)
        layout.kubeconfig.write_text(kubeconfig(layout.certificates, "admin"), encoding="utf-8")
        node.start(layout, tools)
    kubectl = Kubectl(layout.kubeconfig)
    _wait(layout, lambda: _ready(layout, kubectl))
    if not layout.complete.exists():
        kubectl("apply", "--server-side", "--filename", str(gateway_definitions()))
        _wait(layout, lambda: kubectl.exists("crd", "httproutes.gateway.networking.k8s.io"))
        kubectl.apply(*gateway.permissions(), gateway.gateway_class(), *names.permissions())
        layout.defined.touch()
        _wait(layout, layout.complete.exists)
    return layout.kubeconfig


def _ready(layout: Layout, kubectl: Kubectl) -> bool:
    started = layout.started.exists()
    return started and kubectl.nodes().get(NODE_NAME, False) and kubectl.exists("serviceaccount", "default")


def _wait(layout: Layout, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _UP_S
    while not done():
        if node.find_init() is None or layout.deaths.exists():
            raise ClusterError(f"the node died; {_last_words(layout)}")
        if time.monotonic() > deadline:
            raise ClusterError(f"the node was not ready within {_UP_S} s: see the logs in {layout.logs}")
        time.sleep(0.1)


def _last_words(layout: Layout) -> str:
    for file in (layout.deaths, layout.logs / "init.log"):
        if file.exists() and (text := file.read_text(encoding="utf-8", errors="replace").strip()):
            return text
    return f"see the logs in {layout.logs}"


def _kind_up(layout: Layout) -> Path:
    layout.state.mkdir(parents=True, mode=0o700, exist_ok=True)
    if not layout.kubeconfig.exists():
        _kind("create", "cluster", "--name", _KIND, "--kubeconfig", str(layout.kubeconfig), "--wait", f"{_UP_S}s")
    return layout.kubeconfig


def _kind(*arguments: str) -> None:
    done = subprocess.run(["kind", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ClusterError(f"kind {arguments[0]} failed: {done.stderr.strip()[-2000:]}")


@contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    layout.cache.mkdir(parents=True, exist_ok=True)
    with (layout.cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
