"""The API of external metrics, on this machine: a HorizontalPodAutoscaler sees what a real Prometheus answers.

It answers as https://github.com/kubernetes/metrics/tree/master/pkg/apis/external_metrics/v1beta1 says.
"""

import json
import os
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cluster.addresses import MACHINE
from cluster.errors import ClusterError
from cluster.identities import METRICS_HOST
from cluster.kubectl import Kubectl
from cluster.layout import Layout
from cluster.prometheus import Prometheus

API = "v1beta1.external.metrics.k8s.io"
OWNER = "triptych.test/process"
"""The label of the API that says which process answers."""

_VERSION = "external.metrics.k8s.io/v1beta1"
_NAMESPACE, _NAME = "kube-system", METRICS_HOST.partition(".")[0]
_FRONT_PROXY = "front-proxy-client"


@contextmanager
def external_metrics(
    kubectl: Kubectl, layout: Layout, prometheus: Prometheus, expressions: Mapping[str, str]
) -> Iterator[None]:
    """Give the cluster these metrics, in every namespace, until the end; one at a time.

    expressions: a metric's name to what Prometheus is asked for it; several results are several values

    Raises:
        ClusterError: another test gives the cluster metrics now, or the cluster does not take these
    """
    if kubectl.exists("apiservice", API):
        raise ClusterError(f"{API} is another test's: run this one after it")
    system = Kubectl(kubectl.kubeconfig, _NAMESPACE)
    server = ThreadingHTTPServer((MACHINE, 0), _handler(lambda name: _values(prometheus, name, expressions)))
    server.socket = _context(layout.certificates).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        authority = (layout.certificates / "ca.crt").read_bytes()
        objects = _objects(server.server_address[1], authority)
        system.apply(*objects)
        system("wait", "--for=condition=Available", f"apiservice/{API}", "--timeout=60s")
        yield
    finally:
        # First: a namespace cannot go while an API does not answer.
        system("delete", "apiservice", API, "--ignore-not-found")
        system("delete", "service", _NAME, "--ignore-not-found")
        server.shutdown()
        server.server_close()
        thread.join()


def _objects(port: int, authority: bytes) -> tuple[Mapping[str, Any], ...]:
    metadata = {"name": _NAME, "namespace": _NAMESPACE}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 443}]}}
    slice_ = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**metadata, "labels": {"kubernetes.io/service-name": _NAME}},
        "addressType": "IPv4",
        "ports": [{"port": port}],
        "endpoints": [{"addresses": [MACHINE]}],
    }
    version, _, group = API.partition(".")
    api = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": API, "labels": {OWNER: str(os.getpid())}},
        "spec": {
            "group": group,
            "version": version,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "service": metadata,
            "caBundle": b64encode(authority).decode(),
        },
    }
    return service, slice_, api


def _context(certificates: Path) -> ssl.SSLContext:
    """Only callers with a certificate of the cluster's authority are heard."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates / "ca.crt")
    context.load_cert_chain(certificates / "metrics.crt", certificates / "metrics.key")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def _values(prometheus: Prometheus, name: str, expressions: Mapping[str, str]) -> list[dict[str, Any]] | None:
    if name not in expressions:
        return None
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [
        {
            "metricName": name,
            "metricLabels": found["metric"],
            "timestamp": now,
            "value": f"{round(float(found['value'][1]) * 1000)}m",
        }
        for found in prometheus.query(expressions[name])
    ]


def _handler(values: Callable[[str], list[dict[str, Any]] | None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """The aggregation layer of the API server asks it, and nobody else is heard."""

        def do_GET(self) -> None:
            parts = urlsplit(self.path).path.strip("/").split("/")
            if not self._is_front_proxy():
                self._answer(403, _status(403, "only the API server may ask"))
            elif parts == ["apis", *_VERSION.split("/")]:
                self._answer(200, _resources())
            elif parts[:3] == ["apis", *_VERSION.split("/")] and len(parts) == 6 and parts[3] == "namespaces":
                found = values(parts[5])
                if found is None:
                    self._answer(404, _status(404, f"there is no metric {parts[5]}"))
                else:
                    self._answer(200, _list(found))
            else:
                self._answer(404, _status(404, "there is nothing here"))

        def log_message(self, *arguments: object) -> None:
            """Nothing: what it answers shows in the autoscaler's conditions."""

        def _is_front_proxy(self) -> bool:
            certificate = self.connection.getpeercert()
            return (("commonName", _FRONT_PROXY),) in (certificate or {}).get("subject", ())

        def _answer(self, status: int, document: Mapping[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _resources() -> Mapping[str, Any]:
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": _VERSION, "resources": []}


def _list(values: list[dict[str, Any]]) -> Mapping[str, Any]:
    return {"kind": "ExternalMetricValueList", "apiVersion": _VERSION, "metadata": {}, "items": values}


def _status(code: int, message: str) -> Mapping[str, Any]:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message}
