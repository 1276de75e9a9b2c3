"""What requests meet where no node is: a Gateway of its own before two servers that say which track they are."""

import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cluster.control_plane import free_ports, running
from cluster.errors import ClusterError
from cluster.gateway import gateway, gateway_class, traefik_command
from cluster.kubectl import Kubectl
from cluster.tracks import NAME

_PATH = "/v2/models/image_classifier/infer"
_EVERY_S = 0.02
_START_S = 30


@dataclass(frozen=True, slots=True)
class Answer:
    """When a request ended, and what it got: a track's name, or what went wrong."""

    at_s: float
    said: str


@dataclass
class DataPath:
    """Requests one after the other, from when this is entered until it is left."""

    url: str
    answers: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> "DataPath":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def between(self, from_s: float, to_s: float) -> list[str]:
        """What was said in this time, by `time.monotonic`."""
        return [each.said for each in self.answers if from_s <= each.at_s <= to_s]

    def _ask(self) -> None:
        while not self._done.wait(_EVERY_S):
            said = asked(self.url)
            self.answers.append(Answer(time.monotonic(), said))


def asked(url: str) -> str:
    """The track that answers, or what went wrong."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except OSError as error:
        return f"failed: {error}"


@contextmanager
def data_path(traefik: Path, kubectl: Kubectl, folder: Path) -> Iterator[DataPath]:
    """Both tracks in the namespace are served, by way of its routes, before anybody asks.

    Raises:
        ClusterError: nothing is served
    """
    http_port, grpc_port, status_port = free_ports(3)
    address = _address()
    with ExitStack() as stack:
        for track in ("stable", "candidate"):
            port = stack.enter_context(_server(address, track))
            kubectl.apply(_slice(kubectl, f"{NAME}-{track}", address, port))
        kubectl.apply(gateway_class(), gateway("edge", http_port=http_port, grpc_port=grpc_port))
        command = traefik_command(
            traefik, address=address, http_port=http_port, grpc_port=grpc_port, status_port=status_port
        )
        stack.enter_context(running(command, folder, {"KUBECONFIG": str(kubectl.kubeconfig)}))
        made = DataPath(f"http://{address}:{http_port}{_PATH}")
        deadline = time.monotonic() + _START_S
        while (said := asked(made.url)) != "stable":
            if time.monotonic() > deadline:
                raise ClusterError(f"nothing is served: {said}\n{(folder / 'log').read_text()[-2000:]}")
            time.sleep(0.2)
        yield stack.enter_context(made)


@contextmanager
def _server(address: str, track: str) -> Iterator[int]:
    """Its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(track)))
            self.end_headers()
            self.wfile.write(track.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((address, 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _slice(kubectl: Kubectl, service: str, address: str, port: int) -> dict[str, Any]:
    """The server as the only pod of a Service, which no controller would make."""
    [http] = [each for each in kubectl.get("service", service)["spec"]["ports"] if each["port"] == 80]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": service, "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": [{"name": http["name"], "port": port, "protocol": "TCP"}],
    }


def _address() -> str:
    """One of this machine's that is not loopback, which no EndpointSlice may name."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # nothing is sent
        return str(probe.getsockname()[0])
