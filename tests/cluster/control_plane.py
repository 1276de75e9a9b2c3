"""A small control plane of its own, etcd and API server, that a test may stop without stopping everybody's."""

import os
import signal
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import create_server

import yaml

from cluster.configuration import kubeconfig
from cluster.errors import ClusterError
from cluster.identities import IDENTITIES, write_certificates
from cluster.kubectl import Kubectl
from cluster.programs import Tools
from cluster.tools import gateway_definitions

_IDENTITIES = tuple(each for each in IDENTITIES if each.file in ("admin", "apiserver"))
_START_S = 60


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """An API server without controllers and without a node: it stores, and nobody acts."""

    kubectl: Kubectl
    apiserver: "subprocess.Popen[bytes]"

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The API server accepts connections and answers nothing, until this is left."""
        os.kill(self.apiserver.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.apiserver.pid, signal.SIGCONT)


@contextmanager
def control_plane(tools: Tools, folder: Path) -> Iterator[ControlPlane]:
    """Start it with all that it writes in `folder`, wait until it is ready, kill it at the end.

    Raises:
        ClusterError: it did not start
    """
    etcd_port, peer_port, port = free_ports(3)
    pki = folder / "certificates"
    write_certificates(pki, _IDENTITIES)
    etcd_url, url = f"http://127.0.0.1:{etcd_port}", f"https://127.0.0.1:{port}"
    etcd = {
        "data-dir": folder / "etcd",
        "listen-client-urls": etcd_url,
        "advertise-client-urls": etcd_url,
        "listen-peer-urls": f"http://127.0.0.1:{peer_port}",
        "initial-advertise-peer-urls": f"http://127.0.0.1:{peer_port}",
        "initial-cluster": f"default=http://127.0.0.1:{peer_port}",
        "unsafe-no-fsync": "true",  # its data are thrown away
    }
    apiserver = {
        "authorization-mode": "RBAC",
        "bind-address": "127.0.0.1",
        "cert-dir": folder / "apiserver",
        "client-ca-file": pki / "ca.crt",
        "disable-admission-plugins": "ServiceAccount",  # nobody makes the accounts
        "etcd-servers": etcd_url,
        "secure-port": port,
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": pki / "service-accounts.pub",
        "service-account-signing-key-file": pki / "service-accounts.key",
        "service-cluster-ip-range": "10.248.0.0/24",
        "tls-cert-file": pki / "apiserver.crt",
        "tls-private-key-file": pki / "apiserver.key",
    }
    file = folder / "kubeconfig"
    file.write_text(_at(url, kubeconfig(pki, "admin")))
    with ExitStack() as stack:
        started = stack.enter_context(running(_command([f"{tools.debian}/usr/bin/etcd"], etcd), folder))
        _await(f"{etcd_url}/health", started, folder)
        started = stack.enter_context(running(_command([str(tools.kubernetes), "kube-apiserver"], apiserver), folder))
        _await(f"{url}/readyz", started, folder, pki)
        kubectl = Kubectl(file)
        kubectl("apply", "--server-side", "--filename", str(gateway_definitions()))
        kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        yield ControlPlane(kubectl, started)


@contextmanager
def running(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """A program with its log in `folder`, killed at the end."""
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder, env={**os.environ, **(environment or {})}
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _await(url: str, process: "subprocess.Popen[bytes]", folder: Path, pki: Path | None = None) -> None:
    context = None
    if pki is not None:
        context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2, context=context):
                return
        except OSError:
            time.sleep(0.1)
    raise ClusterError(f"{url} does not answer:\n{(folder / 'log').read_text(errors='replace')[-2000:]}")


def _command(program: list[str], options: Mapping[str, object]) -> tuple[str, ...]:
    return (*program, *(f"--{name}={value}" for name, value in options.items()))


def _at(url: str, text: str) -> str:
    document = yaml.safe_load(text)
    document["clusters"][0]["cluster"]["server"] = url
    return yaml.safe_dump(document)


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        return [stack.enter_context(create_server(("127.0.0.1", 0))).getsockname()[1] for _ in range(count)]
