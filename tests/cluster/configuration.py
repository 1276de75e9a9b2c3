"""The configuration files of kubelet, kube-proxy, CoreDNS, containerd and its network plugin, and kubeconfigs: pure."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

from cluster.addresses import API_URL, DOMAIN, NODE, PODS
from cluster.images import PAUSE
from cluster.layout import NODE_NAME, Layout
from cluster.names import corefile


def kubeconfig(certificates: Path, identity: str) -> str:
    """For one identity, with all that it needs inside (JSON is YAML)."""

    def data(file: str) -> str:
        return b64encode((certificates / file).read_bytes()).decode()

    user = {"client-certificate-data": data(f"{identity}.crt"), "client-key-data": data(f"{identity}.key")}
    cluster = {"server": API_URL, "certificate-authority-data": data("ca.crt")}
    return _json(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "triptych", "cluster": cluster}],
            "users": [{"name": identity, "user": user}],
            "contexts": [{"name": "triptych", "context": {"cluster": "triptych", "user": identity}}],
            "current-context": "triptych",
        }
    )


def kubelet(layout: Layout) -> str:
    """A node that never evicts or throws images away on a machine that is merely full."""
    pki = layout.certificates
    return _json(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": NODE,
            "healthzBindAddress": "127.0.0.1",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(pki / "ca.crt")},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": str(pki / "kubelet.crt"),
            "tlsPrivateKeyFile": str(pki / "kubelet.key"),
            "containerRuntimeEndpoint": f"unix://{layout.containerd_socket}",
            "cgroupDriver": "cgroupfs",
            "failCgroupV1": False,
            "failSwapOn": False,
            "makeIPTablesUtilChains": False,
            "clusterDNS": [NODE],
            "clusterDomain": DOMAIN,
            "resolvConf": str(layout.configuration / "resolv.conf"),
            "volumePluginDir": str(layout.state / "volume-plugins"),
            "evictionHard": {
                "memory.available": "100Mi",
                "nodefs.available": "1%",
                "nodefs.inodesFree": "1%",
                "imagefs.available": "1%",
                "imagefs.inodesFree": "1%",
            },
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
            "nodeStatusUpdateFrequency": "5s",
        }
    )


def proxy(layout: Layout) -> str:
    """nftables: the kernels of small machines have no IPVS; `null` leaves a limit of the kernel as it is."""
    return _json(
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "clientConnection": {"kubeconfig": str(layout.configuration / "proxy.kubeconfig")},
            "mode": "nftables",
            "clusterCIDR": str(PODS),
            "hostnameOverride": NODE_NAME,
            "bindAddress": NODE,
            "healthzBindAddress": "127.0.0.1:10256",
            "metricsBindAddress": "127.0.0.1:10249",
            "conntrack": {"maxPerCore": 0, "min": 0},
        }
    )


def containerd(layout: Layout, programs: Path) -> str:
    """containerd with runc and overlayfs; all it writes lies in the state folder."""
    home = layout.state / "containerd"
    return f"""version = 2
root = "{home}/root"
state = "{home}/state"
disabled_plugins = [
  "io.containerd.nri.v1.nri",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]
[grpc]
address = "{layout.containerd_socket}"
[plugins."io.containerd.internal.v1.opt"]
path = "{home}/opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE}"
stream_server_address = "127.0.0.1"
disable_apparmor = true
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{programs}/usr/lib/cni"
conf_dir = "{layout.configuration}/network"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = "{programs}/usr/sbin/runc"
SystemdCgroup = false
"""


def network(layout: Layout) -> str:
    """A link of its own for each pod: all traffic between pods is routed, and so seen by the node's rules."""
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": str(PODS)}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": str(layout.state / "pod-addresses"),
    }
    plugins = [{"type": "ptp", "ipMasq": False, "ipam": addresses}]
    return _json({"cniVersion": "1.0.0", "name": "pods", "plugins": plugins})


def write_configuration(layout: Layout, programs: Path) -> None:
    """All of them, where the programs' arguments name them."""
    folder = layout.configuration
    files = {
        "kubelet.yaml": kubelet(layout),
        "proxy.yaml": proxy(layout),
        "containerd.toml": containerd(layout, programs),
        "network/pods.conflist": network(layout),
        "resolv.conf": "",
        "Corefile": corefile(layout),
    }
    for identity in ("controller-manager", "scheduler", "kubelet", "proxy", "gateway", "names"):
        files[f"{identity}.kubeconfig"] = kubeconfig(layout.certificates, identity)
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"
