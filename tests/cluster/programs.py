"""What runs on the node, in which order, with which arguments: pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cluster.addresses import API_PORT, NODE, PODS, SERVICES
from cluster.layout import NODE_NAME, Layout

_ETCD = "http://127.0.0.1:2379"


@dataclass(frozen=True, slots=True)
class Program:
    """A process of the node.

    ready: `host:port` or the path of a socket that accepts connections, or a URL that answers 200, once it works
    environment: what it gets besides PATH
    """

    name: str
    command: tuple[str, ...]
    ready: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tools:
    """Where the programs lie.

    kubernetes: the binary of all of Kubernetes
    debian: the root of the unpacked packages
    traefik: the Gateway
    coredns: the names
    """

    kubernetes: Path
    debian: Path
    traefik: Path
    coredns: Path

    @property
    def path(self) -> str:
        """For PATH."""
        return f"{self.debian}/usr/bin:{self.debian}/usr/sbin:/usr/sbin:/usr/bin:/sbin:/bin"


def stages(layout: Layout, tools: Tools) -> tuple[tuple[Program, ...], ...]:
    """Programs of a stage start together, once all before them are ready."""
    return (
        (_etcd(layout, tools), _containerd(layout, tools)),
        (_apiserver(layout, tools),),
        (
            _controller_manager(layout, tools),
            _scheduler(layout, tools),
            _kubelet(layout, tools),
            _proxy(layout, tools),
        ),
    )


def import_command(layout: Layout, tools: Tools, archive: Path) -> tuple[str, ...]:
    """Gives containerd an image, for all pods."""
    client = (f"{tools.debian}/usr/bin/ctr", "--address", str(layout.containerd_socket), "--namespace", "k8s.io")
    return (*client, "images", "import", str(archive))


def _etcd(layout: Layout, tools: Tools) -> Program:
    options = {
        "data-dir": layout.state / "etcd",
        "listen-client-urls": _ETCD,
        "advertise-client-urls": _ETCD,
        "listen-peer-urls": "http://127.0.0.1:2380",
        "initial-advertise-peer-urls": "http://127.0.0.1:2380",
        "initial-cluster": "default=http://127.0.0.1:2380",
        "unsafe-no-fsync": "true",  # its data are thrown away
        "logger": "zap",
    }
    return Program("etcd", _command([f"{tools.debian}/usr/bin/etcd"], options), f"{_ETCD}/health")


def _containerd(layout: Layout, tools: Tools) -> Program:
    command = (f"{tools.debian}/usr/bin/containerd", "--config", str(layout.configuration / "containerd.toml"))
    return Program("containerd", command, str(layout.containerd_socket))


def _apiserver(layout: Layout, tools: Tools) -> Program:
    pki = layout.certificates
    options = {
        "advertise-address": NODE,
        "allow-privileged": "true",
        "authorization-mode": "Node,RBAC",
        "bind-address": NODE,
        "client-ca-file": pki / "ca.crt",
        "enable-admission-plugins": "NodeRestriction",
        "enable-aggregator-routing": "true",
        "etcd-servers": _ETCD,
        "kubelet-certificate-authority": pki / "ca.crt",
        "kubelet-client-certificate": pki / "apiserver-to-kubelet.crt",
        "kubelet-client-key": pki / "apiserver-to-kubelet.key",
        "kubelet-preferred-address-types": "InternalIP",
        "proxy-client-cert-file": pki / "front-proxy.crt",
        "proxy-client-key-file": pki / "front-proxy.key",
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-client-ca-file": pki / "ca.crt",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-username-headers": "X-Remote-User",
        "secure-port": API_PORT,
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": pki / "service-accounts.pub",
        "service-account-signing-key-file": pki / "service-accounts.key",
        "service-cluster-ip-range": SERVICES,
        "tls-cert-file": pki / "apiserver.crt",
        "tls-private-key-file": pki / "apiserver.key",
    }
    command = _command([str(tools.kubernetes), "kube-apiserver"], options)
    return Program("kube-apiserver", command, f"https://{NODE}:{API_PORT}/readyz")


def _controller_manager(layout: Layout, tools: Tools) -> Program:
    pki = layout.certificates
    options = {
        **_api_user(layout, "controller-manager"),
        "bind-address": "127.0.0.1",
        "cluster-cidr": PODS,
        "cluster-signing-cert-file": pki / "ca.crt",
        "cluster-signing-key-file": pki / "ca.key",
        "flex-volume-plugin-dir": layout.state / "volume-plugins",
        "horizontal-pod-autoscaler-sync-period": "2s",
        "leader-elect": "false",
        "root-ca-file": pki / "ca.crt",
        "service-account-private-key-file": pki / "service-accounts.key",
        "use-service-account-credentials": "true",
    }
    command = _command([str(tools.kubernetes), "kube-controller-manager"], options)
    return Program("kube-controller-manager", command, "127.0.0.1:10257")


def _scheduler(layout: Layout, tools: Tools) -> Program:
    options = {**_api_user(layout, "scheduler"), "bind-address": "127.0.0.1", "leader-elect": "false"}
    return Program("kube-scheduler", _command([str(tools.kubernetes), "kube-scheduler"], options), "127.0.0.1:10259")


def _kubelet(layout: Layout, tools: Tools) -> Program:
    options = {
        "config": layout.configuration / "kubelet.yaml",
        "hostname-override": NODE_NAME,
        "kubeconfig": layout.configuration / "kubelet.kubeconfig",
        "node-ip": NODE,
        "root-dir": layout.state / "kubelet",
        "cert-dir": layout.state / "kubelet-certificates",
    }
    command = _command([str(tools.kubernetes), "kubelet"], options)
    return Program("kubelet", command, "http://127.0.0.1:10248/healthz")


def _proxy(layout: Layout, tools: Tools) -> Program:
    libraries = f"{tools.debian}/usr/lib/x86_64-linux-gnu"
    command = _command([str(tools.kubernetes), "kube-proxy"], {"config": layout.configuration / "proxy.yaml"})
    return Program("kube-proxy", command, "http://127.0.0.1:10256/livez", {"LD_LIBRARY_PATH": libraries})


def _api_user(layout: Layout, name: str) -> dict[str, object]:
    file = layout.configuration / f"{name}.kubeconfig"
    return dict.fromkeys(("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"), file)


def _command(program: list[str], options: Mapping[str, object]) -> tuple[str, ...]:
    return (*program, *(f"--{name}={value}" for name, value in options.items()))
