"""Fetches and builds what the node runs, once per version, into the cache: Debian packages and Go modules."""

import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from cluster import debian
from cluster.commands import run
from cluster.errors import ClusterError
from cluster.programs import Tools

KUBERNETES = "v1.36.3"
GATEWAY_API = "sigs.k8s.io/gateway-api@v1.6.3"

# By the release of Debian that they come from. etcd and containerd of Debian 12 are too old for this Kubernetes.
PACKAGES = {
    "trixie": ("etcd-server", "containerd", "prometheus"),
    "bookworm": (
        *("runc", "containernetworking-plugins", "catatonit", "busybox-static"),
        *("nftables", "libnftables1", "libnftnl11", "libjansson4", "libmnl0", "libedit2", "libxtables12"),
    ),
}

COREDNS = "v1.15.0"
COLLECTOR = "v0.165.0"

_HERE = Path(__file__).parent
_VERSION = {
    "k8s.io/component-base/version.gitVersion": KUBERNETES,
    "k8s.io/component-base/version.gitMajor": KUBERNETES[1:].split(".")[0],
    "k8s.io/component-base/version.gitMinor": KUBERNETES[1:].split(".")[1],
    "k8s.io/client-go/pkg/version.gitVersion": KUBERNETES,
}
_LINKING = " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in _VERSION.items())])
_BUILD = ("go", "build", "-trimpath", "-tags", "selinux,notest,grpcnotrace", "-ldflags")
_KUBERNETES_BUILD = (*_BUILD, _LINKING)
_COREDNS_BUILD = (*_BUILD, "-s -w")


def fetch_tools(cache: Path, *, say: Callable[[str], None]) -> Tools:
    """All of them, from the cache where they are in it; `say` is told what takes minutes.

    Raises:
        ClusterError: Go, apt or what they fetch is missing
    """
    kubernetes = _built("kubernetes", KUBERNETES, _KUBERNETES_BUILD, cache, say=say, minutes="10 to 40")
    coredns = _built("coredns", COREDNS, _COREDNS_BUILD, cache, say=say, minutes="2 to 5")
    packages = cache / f"debian-{key(json.dumps(PACKAGES).encode())}"
    if not packages.exists():
        say("fetching Debian packages")
        made(packages, _unpack_packages)
    return Tools(kubernetes, packages, _installed("traefik"), coredns)


def fetch_collector(cache: Path, *, say: Callable[[str], None]) -> Path:
    """A collector of OpenTelemetry, from the cache where it is in it; `say` is told that it takes minutes.

    Raises:
        ClusterError: Go or what it fetches is missing
    """
    return _built("collector", COLLECTOR, (*_BUILD, "-s -w"), cache, say=say, minutes="1 to 3")


def gateway_definitions() -> Path:
    """The folder with the Gateway API's standard custom resource definitions.

    Raises:
        ClusterError: the Go module cannot be had
    """
    answer = run(["go", "mod", "download", "-json", GATEWAY_API], cwd=Path(tempfile.gettempdir()))
    return Path(json.loads(answer)["Dir"]) / "config" / "crd" / "standard"


def _installed(name: str) -> Path:
    """A program that a wheel brings, from this environment, else from PATH."""
    own = Path(sys.prefix) / "bin" / name
    found = own if own.exists() else shutil.which(name)
    if found is None:
        raise ClusterError(f"{name} is not installed: run make cluster, which installs it")
    return Path(found)


def made(folder: Path, make: Callable[[Path], None]) -> None:
    """Make a folder of the cache: it appears whole or not at all. One process at a time."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    for killed in folder.parent.glob(f".{folder.name}-*"):
        shutil.rmtree(killed)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        part.chmod(0o755)
        make(part)
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def key(content: bytes) -> str:
    """Part of a folder's name: it changes with what the folder is made from."""
    return hashlib.sha256(content).hexdigest()[:12]


def _built(
    module: str, version: str, command: Sequence[str], cache: Path, *, say: Callable[[str], None], minutes: str
) -> Path:
    """The program of a Go module of this folder."""
    source = _HERE / module
    sources = b"".join((source / name).read_bytes() for name in ("go.mod", "go.sum", "main.go"))
    folder = cache / f"{module}-{version}-{key(sources + json.dumps(command).encode())}"

    def build(part: Path) -> None:
        run([*command, "-o", str(part / module), "."], cwd=source, CGO_ENABLED="0")

    if not folder.exists():
        say(f"building {module} {version}: {minutes} minutes, once")
        made(folder, build)
    return folder / module


def _unpack_packages(folder: Path) -> None:
    wanted = [f"{package}/{suite}" for suite, packages in PACKAGES.items() for package in packages]
    debian.unpack(wanted, folder, suites=PACKAGES)
