"""A real Prometheus on this machine that finds the cluster's pods by itself."""

import json
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import create_server
from typing import Any

from cluster.errors import ClusterError

_START_S = 20


@dataclass(frozen=True, slots=True)
class Prometheus:
    """Its address."""

    url: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What the expression gives now: `metric` and `value` of each."""
        address = f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        with urllib.request.urlopen(address, timeout=5) as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
            return found


def scrape_configuration(kubeconfig: Path, namespace: str, *, interval_s: int = 1) -> dict[str, Any]:
    """Scrapes every declared port of the namespace's pods, with the pod's name and labels."""
    discovery = {"role": "pod", "kubeconfig_file": str(kubeconfig), "namespaces": {"names": [namespace]}}
    relabelling = [
        {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
        {"action": "labelmap", "regex": "__meta_kubernetes_pod_label_(.+)"},
    ]
    job = {"job_name": "pods", "kubernetes_sd_configs": [discovery], "relabel_configs": relabelling}
    return {"global": {"scrape_interval": f"{interval_s}s"}, "scrape_configs": [job]}


@contextmanager
def prometheus(debian: Path, folder: Path, configuration: dict[str, Any]) -> Iterator[Prometheus]:
    """Start it with its data in `folder`, wait until it is ready, stop it at the end.

    debian: the unpacked packages
    configuration: as in prometheus.yml

    Raises:
        ClusterError: it did not start
    """
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    file = folder / "prometheus.yml"
    file.write_text(json.dumps(configuration), encoding="utf-8")
    options = {
        "config.file": file,
        "storage.tsdb.path": folder / "data",
        "web.listen-address": f"127.0.0.1:{port}",
        "web.console.libraries": folder,
        "web.console.templates": folder,
    }
    log = folder / "log"
    with log.open("wb") as output:
        command = [f"{debian}/usr/bin/prometheus", *(f"--{name}={value}" for name, value in options.items())]
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder)
    try:
        started = Prometheus(f"http://127.0.0.1:{port}")
        _wait_ready(started, process, log)
        yield started
    finally:
        process.kill()  # its data are thrown away
        process.wait()


def _wait_ready(started: Prometheus, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{started.url}/-/ready", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise ClusterError(f"Prometheus did not start:\n{log.read_text(errors='replace')[-2000:]}")
