"""A real Envoy before a real Triton, and requests as bytes: what no client library would send, too."""

import http.client
import json
import os
import shutil
import socket
import ssl
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from tritonclient.grpc import service_pb2

from triptych import contract
from triptych_ops.release import Store
from triptych_ops.runtime import Server, find_installation
from triptych_ops.runtime.edge import Edge, EdgeSettings, Upstream, find_envoy
from triptych_ops.runtime.ports import Ports

PATH = f"/v2/models/{contract.MODEL_NAME}/infer"
METHOD = "/inference.GRPCInferenceService/ModelInfer"
HEADER = "Inference-Header-Content-Length"
LOOPBACK = "127.0.0.1"


@contextmanager
def triton(store: Path) -> Iterator[Server]:
    """A ready Triton with the store's release 1 on free ports."""
    repository = Store(store).release("1").folder / "repository"

    def copy(folder: Path) -> None:
        shutil.copytree(repository, folder)

    with Server(find_installation(os.environ), copy, Ports.free()) as server:
        server.wait_ready()
        yield server


def free_settings(**changes: Any) -> EdgeSettings:
    """Settings of an edge on free ports."""
    ports = Ports.free()
    return EdgeSettings(**{"http_port": ports.http, "grpc_port": ports.grpc, **changes})


def edge_before(ports: Ports, **changes: Any) -> Edge:
    """An edge on free ports before the Triton at `ports`; enter it."""
    return Edge(find_envoy(os.environ), free_settings(**changes), Upstream(ports.http, ports.grpc))


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def error(self) -> str:
        """Triton's word for what went wrong."""
        return str(json.loads(self.body)["error"])


def ask_http(
    port: int,
    body: bytes | None,
    headers: Mapping[str, str] | None = None,
    *,
    path: str = PATH,
    method: str = "POST",
    context: ssl.SSLContext | None = None,
) -> Answer:
    """One HTTP request on a connection of its own."""
    connection = (
        http.client.HTTPSConnection(LOOPBACK, port, timeout=30, context=context)
        if context
        else http.client.HTTPConnection(LOOPBACK, port, timeout=30)
    )
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def ask_raw(port: int, *parts: bytes, timeout_s: float = 30) -> bytes:
    """Bytes on a connection, and whatever comes back until it ends or a whole head has come."""
    with socket.create_connection((LOOPBACK, port), timeout=timeout_s) as connection:
        answer = b""
        try:
            for part in parts:
                connection.sendall(part)
        except OSError:  # it may answer before it has all, and close
            pass
        try:
            while b"\r\n\r\n" not in answer and (part := connection.recv(65536)):
                answer += part
        except OSError:
            pass
        return answer


def ask_grpc(
    port: int,
    message: bytes,
    metadata: Sequence[tuple[str, str]] = (),
    *,
    method: str = METHOD,
    compression: grpc.Compression = grpc.Compression.NoCompression,
    timeout_s: float = 30,
) -> tuple[str, str]:
    """One gRPC call of these bytes: the status's name and its message."""
    with grpc.insecure_channel(f"{LOOPBACK}:{port}", options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        call = channel.unary_unary(method)
        try:
            call(message, metadata=tuple(metadata), compression=compression, timeout=timeout_s)
        except grpc.RpcError as error:
            return error.code().name, error.details()
        return "OK", ""


def binary_tensor(images: Sequence[bytes]) -> bytes:
    """Images as the bytes of the tensor IMAGE."""
    return b"".join(struct.pack("<I", len(image)) + image for image in images)


def http_document(
    binary_bytes: int, *, images: int = 1, outputs: Sequence[str] = contract.CLASSIFICATION_OUTPUTS
) -> dict[str, Any]:
    """The JSON of a request."""
    parameters = {"binary_data_size": binary_bytes}
    return {
        "inputs": [{"name": "IMAGE", "shape": [images, 1], "datatype": "BYTES", "parameters": parameters}],
        "outputs": [{"name": name, "parameters": {"binary_data": True}} for name in outputs],
    }


def http_request(
    images: Sequence[bytes], outputs: Sequence[str] = contract.CLASSIFICATION_OUTPUTS
) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a request."""
    tensor = binary_tensor(images)
    header = json.dumps(http_document(len(tensor), images=len(images), outputs=outputs)).encode()
    return header + tensor, {HEADER: str(len(header))}


def raw_http_request(images: Sequence[bytes], outputs: Sequence[str] = contract.CLASSIFICATION_OUTPUTS) -> bytes:
    """The same as the bytes of a whole HTTP request."""
    body, headers = http_request(images, outputs)
    lines = [f"POST {PATH} HTTP/1.1", "host: edge", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode() + body


def grpc_request(images: Sequence[bytes]) -> service_pb2.ModelInferRequest:
    """A request for classification."""
    message = service_pb2.ModelInferRequest(model_name=contract.MODEL_NAME, raw_input_contents=[binary_tensor(images)])
    message.inputs.add(name="IMAGE", datatype="BYTES", shape=[len(images), 1])
    for name in contract.CLASSIFICATION_OUTPUTS:
        message.outputs.add(name=name)
    return message


def grpc_bytes(images: Sequence[bytes]) -> bytes:
    """The same, serialised."""
    return bytes(grpc_request(images).SerializeToString())
