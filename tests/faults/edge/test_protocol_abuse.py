"""Case 37: no bytes from a client end the server, or are answered as the server's own fault."""

import gzip
import http.client
import json
import random
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from tritonclient.grpc import service_pb2

from edges import (
    HEADER,
    METHOD,
    PATH,
    ask_grpc,
    ask_http,
    ask_raw,
    binary_tensor,
    edge_before,
    grpc_bytes,
    grpc_request,
    http_document,
    http_request,
    triton,
)
from triptych import contract
from triptych_ops.errors import OpsError
from triptych_ops.runtime import Server
from triptych_ops.runtime.edge import Edge, Limits

LIMIT = 24 * 1024 * 1024
ABUSES: list[int] = []
_CLIENTS_FAULT = {"OK", "INVALID_ARGUMENT", "PERMISSION_DENIED", "UNIMPLEMENTED", "NOT_FOUND"}
_HEAD = f"POST {PATH} HTTP/1.1\r\nhost: edge\r\n"


@pytest.fixture(scope="module")
def edge(server: Server) -> Iterator[Edge]:
    with edge_before(server.ports, limits=Limits(max_body_bytes=LIMIT, request_timeout_s=3)) as running:
        yield running


@pytest.fixture(autouse=True)
def unharmed(server: Server, edge: Edge, photograph: bytes) -> Iterator[None]:
    """The same processes before and after each abuse, and still at work."""
    ABUSES.append(1)
    pids = (server.pid, edge.pid)
    yield
    server.check_alive()
    edge.check_alive()
    assert (server.pid, edge.pid) == pids
    assert ask_http(edge.settings.http_port, *http_request([photograph])).status == 200


def raw_head(*headers: str) -> bytes:
    return (_HEAD + "".join(f"{header}\r\n" for header in headers) + "\r\n").encode()


def status_of(answer: bytes) -> int:
    """Of an HTTP answer as it came; 0 where the connection ended without one."""
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0


def chunks(body: bytes, size: int) -> bytes:
    parts = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)


JSONS: dict[str, object] = {
    "arrays 10,000 deep": b"[" * 10_000 + b"]" * 10_000,
    "objects 10,000 deep": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "arrays 1,000,000 deep": b"[" * 1_000_000,
    "inputs 1,000 deep": b'{"inputs":' + b"[" * 1_000 + b"]" * 1_000 + b"}",
    "100,000 outputs": {**http_document(0), "outputs": [{"name": "LABEL"}] * 100_000},
    "100 outputs": {**http_document(0), "outputs": [{"name": "LABEL"}] * 100},
    "classes of labels": {**http_document(0), "outputs": [{"name": "LABEL", "parameters": {"classification": 1}}]},
    "2**31 classes": {**http_document(0), "outputs": [{"name": "SCORE", "parameters": {"classification": 2**31}}]},
    "an endless number": b'{"id":' + b"9" * 10_000 + b"}",
    "nothing of an inference": {},
    "inputs of no array": {"inputs": 1},
    "a member's sequence": {**http_document(0), "parameters": {"sequence_id": "x", "sequence_start": True}},
    "a negative priority": {**http_document(0), "parameters": {"priority": -1}},
    "a region of memory": {**http_document(0), "parameters": {"shared_memory_region": "x"}},
}


@pytest.mark.parametrize("name", JSONS)
def test_json(edge: Edge, name: str) -> None:
    text = JSONS[name]
    body = text if isinstance(text, bytes) else json.dumps(text).encode()
    assert ask_http(edge.settings.http_port, body, {HEADER: str(len(body))}).status == 400
    assert ask_http(edge.settings.http_port, body).status == 400


@pytest.mark.parametrize("shape", [[2**62, 8], [2**63 - 1, 1], [-1, 1], [0, 1], [1, 0], [1] * 10_000, [33, 1], [2, 1]])
def test_shapes(edge: Edge, photograph: bytes, shape: list[int]) -> None:
    tensor = binary_tensor([photograph])
    document = http_document(len(tensor))
    document["inputs"][0]["shape"] = shape
    text = json.dumps(document).encode()
    assert ask_http(edge.settings.http_port, text + tensor, {HEADER: str(len(text))}).status == 400
    message = grpc_request([photograph])
    message.inputs[0].shape[:] = shape
    assert ask_grpc(edge.settings.grpc_port, message.SerializeToString())[0] == "INVALID_ARGUMENT"


@pytest.mark.parametrize("length", [0, 1, 2**31 - 1, 2**31, 2**32 - 4, 2**32 - 1])
def test_lengths_of_images(edge: Edge, photograph: bytes, length: int) -> None:
    tensor = struct.pack("<I", length) + photograph
    text = json.dumps(http_document(len(tensor))).encode()
    assert ask_http(edge.settings.http_port, text + tensor, {HEADER: str(len(text))}).status == 400
    message = grpc_request([photograph])
    message.raw_input_contents[0] = tensor
    assert ask_grpc(edge.settings.grpc_port, message.SerializeToString())[0] == "INVALID_ARGUMENT"


@pytest.mark.parametrize("size", [-1, 0, 1, 2**31, 2**32 + 5, 2**63 - 1, 2**64, "x", None, 1e30])
def test_sizes_of_tensors(edge: Edge, photograph: bytes, size: Any) -> None:
    document = http_document(0)
    document["inputs"][0]["parameters"]["binary_data_size"] = size
    text = json.dumps(document).encode()
    body = text + binary_tensor([photograph])
    assert ask_http(edge.settings.http_port, body, {HEADER: str(len(text))}).status == 400


@pytest.mark.parametrize("header", ["-1", "x", "9" * 30, "1e9", "0x7fffffff", "2147483648", "4294967296"])
def test_header_lengths(edge: Edge, photograph: bytes, header: str) -> None:
    body, _ = http_request([photograph])
    assert ask_http(edge.settings.http_port, body, {HEADER: header}).status == 400


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (("content-length: -1",), b"x"),
        (("content-length: x",), b"x"),
        (("content-length: 99999999999999999999",), b"x"),
        (("content-length: 5", "content-length: 6"), b"abcdef"),
        (("content-length: 5", "transfer-encoding: chunked"), b"0\r\n\r\n"),
        (("transfer-encoding: chunked, chunked",), b"0\r\n\r\n"),
        (("transfer-encoding: gzip, chunked",), b"0\r\n\r\n"),
        (("transfer-encoding: chunked",), b"-1\r\nx\r\n"),
        (("transfer-encoding: chunked",), b"zz\r\nx\r\n"),
        (("transfer-encoding: chunked",), b"fffffffffffffffff\r\nx\r\n"),
        (("transfer-encoding: chunked",), b"1\r\nxx\r\n"),
        (("transfer-encoding: chunked",), b"1;" + b"x" * 100_000 + b"\r\nx\r\n"),
        (("bad header",), b""),
        (("bad_header: x", "content-length: 0"), b""),
        ((" folded: x", "content-length: 0"), b""),
        (("nul: \x00", "content-length: 0"), b""),
        (("x: " + "y" * 100_000, "content-length: 0"), b""),
        (tuple(f"x-{number}: y" for number in range(1_000)), b""),
        (("expect: nonsense", "content-length: 0"), b""),
        (("content-length: 0",), b""),
    ],
)
def test_heads(edge: Edge, headers: tuple[str, ...], body: bytes) -> None:
    assert 400 <= status_of(ask_raw(edge.settings.http_port, raw_head(*headers), body)) < 500


@pytest.mark.parametrize(
    "line", [b"x", b"\x00" * 100, b"\x16\x03\x01\x02\x00\x01", b"POST /\r\n\r\n", b"POST / HTTP/9.9\r\nhost: x\r\n\r\n"]
)
def test_what_is_no_http(edge: Edge, line: bytes) -> None:
    answer = ask_raw(edge.settings.http_port, line + b"\r\n\r\n", timeout_s=5)
    assert status_of(answer) in {0, 400, 404, 426}


def test_a_flood_of_chunks(edge: Edge, photograph: bytes) -> None:
    """A server of this version that takes each chunk by itself overflows its stack at a few hundred thousand."""
    body, headers = http_request([photograph])
    head = raw_head("transfer-encoding: chunked", f"{HEADER}: {headers[HEADER]}")
    assert status_of(ask_raw(edge.settings.http_port, head + chunks(body, 1) + b"0\r\n\r\n")) == 200
    flood = chunks(b"x" * 500_000, 1)
    assert (
        status_of(ask_raw(edge.settings.http_port, raw_head("transfer-encoding: chunked"), flood, b"0\r\n\r\n")) == 400
    )
    flood = chunks(b"[" * 500_000, 1)
    head = raw_head("transfer-encoding: chunked", f"{HEADER}: 500000")
    assert status_of(ask_raw(edge.settings.http_port, head, flood, b"0\r\n\r\n")) == 400
    head = raw_head("transfer-encoding: chunked", f"{HEADER}: 0")
    assert status_of(ask_raw(edge.settings.http_port, head, flood, b"0\r\n\r\n")) == 400  # as an image


def test_gzip_bombs(edge: Edge) -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    for encoding in ("gzip", "deflate", "br", "gzip, identity"):
        headers = {HEADER: "0", "content-encoding": encoding}
        assert ask_http(edge.settings.http_port, bomb, headers).status == 415
    message = grpc_bytes([bytes(LIMIT // 2)])
    assert ask_grpc(edge.settings.grpc_port, message, compression=grpc.Compression.Gzip)[0] == "UNIMPLEMENTED"
    framed = b"\x01" + struct.pack(">I", len(bomb)) + bomb  # flagged as compressed, without the header that says how
    assert grpc_status(edge.settings.grpc_port, framed) in {"12", "3"}


def grpc_status(port: int, framed: bytes) -> str:
    """The `grpc-status` of a call whose body is these bytes; HTTP/1.1 is refused on that port, so through curl."""
    command = ["curl", "-s", "--http2-prior-knowledge", "-D", "-", "-o", "/dev/null", "--data-binary", "@-"]
    headers = ["-H", "content-type: application/grpc", "-H", "te: trailers", "-H", "expect:"]
    done = subprocess.run(
        [*command, *headers, f"http://127.0.0.1:{port}{METHOD}"], input=framed, capture_output=True, check=False
    )
    lines = [line for line in done.stdout.decode().lower().splitlines() if line.startswith("grpc-status:")]
    return lines[0].partition(":")[2].strip() if lines else "none"


@pytest.mark.parametrize("extra", [-1, 0])
def test_a_body_up_to_the_limit_reaches_triton(edge: Edge, extra: int) -> None:
    answer = ask_http(edge.settings.http_port, bytes(LIMIT + extra), {HEADER: "0"})
    assert (answer.status, "image_too_large" in answer.error) == (400, True)
    status, words = ask_grpc(edge.settings.grpc_port, padded(LIMIT + extra))
    assert (status, "image_too_large" in words) == ("INVALID_ARGUMENT", True)


def test_a_body_one_byte_over_the_limit_does_not(edge: Edge) -> None:
    head = raw_head(f"content-length: {LIMIT + 1}", f"{HEADER}: 0")
    answer = ask_raw(edge.settings.http_port, head, bytes(LIMIT + 1))
    assert (status_of(answer), f"a request may have at most {LIMIT} bytes".encode() in answer) == (413, True)
    over = raw_head("transfer-encoding: chunked", f"{HEADER}: 0")
    assert status_of(ask_raw(edge.settings.http_port, over, chunks(bytes(LIMIT + 1), 65536), b"0\r\n\r\n")) == 413
    assert ask_grpc(edge.settings.grpc_port, padded(LIMIT + 1)) == (
        "INVALID_ARGUMENT",
        f"a request may have at most {LIMIT} bytes",
    )


def padded(body_bytes: int) -> bytes:
    """A message for one image of zeros that makes a body of so many bytes."""
    image_bytes = body_bytes - 200
    while (missing := body_bytes - 5 - len(message := grpc_bytes([bytes(image_bytes)]))) != 0:
        image_bytes += missing
    return message


Change = Callable[[service_pb2.ModelInferRequest], object]


@pytest.mark.parametrize(
    "change",
    [
        lambda m: [m.outputs.add(name="LABEL") for _ in range(100_000)],
        lambda m: [m.inputs.add(name="IMAGE") for _ in range(100_000)],
        lambda m: [m.raw_input_contents.append(b"") for _ in range(100_000)],
        lambda m: [m.parameters[str(number)].SetInParent() for number in range(10_000)],
        lambda m: m.outputs[0].parameters["classification"].SetInParent(),
        lambda m: setattr(m.outputs[2].parameters["classification"], "int64_param", 1),
        lambda m: setattr(m.inputs[0].parameters["shared_memory_region"], "string_param", "x"),
        lambda m: setattr(m.parameters["sequence_id"], "string_param", "x" * 200),
        lambda m: setattr(m.parameters["priority"], "int64_param", -1),
        lambda m: setattr(m, "id", "x" * 1_000_000),
        lambda m: setattr(m, "model_version", "-1"),
        lambda m: setattr(m, "model_version", "9"),
        lambda m: m.inputs[0].contents.bytes_contents.extend([b"x"] * 100_000),
    ],
)
def test_messages(edge: Edge, photograph: bytes, change: Change) -> None:
    message = grpc_request([photograph])
    change(message)
    assert ask_grpc(edge.settings.grpc_port, message.SerializeToString())[0] in {"INVALID_ARGUMENT", "NOT_FOUND"}


@pytest.mark.parametrize("seed", range(5))
def test_messages_with_flipped_bytes(edge: Edge, photograph: bytes, seed: int) -> None:
    drawing = random.Random(seed)  # noqa: S311
    good = grpc_bytes([photograph])
    with grpc.insecure_channel(f"127.0.0.1:{edge.settings.grpc_port}") as channel:
        call = channel.unary_unary(METHOD)
        for _ in range(100):
            message = bytearray(good)
            for _ in range(drawing.randrange(1, 4)):
                where = drawing.choice((drawing.randrange(120), drawing.randrange(len(message))))
                message[where] = drawing.randrange(256)
            future = call.future(bytes(message), timeout=30)
            assert future.code().name in _CLIENTS_FAULT, (future.code(), future.details())


@pytest.mark.parametrize("seed", range(5))
def test_http_bodies_with_flipped_bytes(edge: Edge, photograph: bytes, seed: int) -> None:
    drawing = random.Random(seed)  # noqa: S311
    good, headers = http_request([photograph])
    for _ in range(100):
        body = bytearray(good)
        for _ in range(drawing.randrange(1, 4)):
            body[drawing.choice((drawing.randrange(450), drawing.randrange(len(body))))] = drawing.randrange(256)
        answer = ask_http(edge.settings.http_port, bytes(body), headers)
        assert answer.status == 200 or 400 <= answer.status < 500, (answer.status, answer.body)


def test_clients_that_hang_up(edge: Edge, photograph: bytes) -> None:
    """In the middle of a body, and in the middle of an inference."""
    body, headers = http_request([photograph])
    head = raw_head(f"content-length: {len(body)}", f"{HEADER}: {headers[HEADER]}")
    message = grpc_bytes([photograph])
    with grpc.insecure_channel(f"127.0.0.1:{edge.settings.grpc_port}") as channel:
        call = channel.unary_unary(METHOD)
        for number in range(300):
            with socket.create_connection(("127.0.0.1", edge.settings.http_port)) as connection:
                connection.sendall(head + body[: len(body) // 2 if number % 3 == 0 else len(body)])
                if number % 2:  # a reset instead of an end
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            future = call.future(message, timeout=0.001 * (number % 20 + 1))
            if number % 2:
                future.cancel()


def test_frames_that_are_none(edge: Edge) -> None:
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    for frames in (
        b"",
        b"\xff" * 1000,
        settings + b"\xff\xff\xff\x00\x00\x00\x00\x00\x01",  # a frame of 16 MB
        settings + b"\x00\x00\x08\x06\x00\x00\x00\x00\x00pingping" * 20_000,
        settings * 20_000,
        settings + b"".join(b"\x00\x00\x04\x03\x00" + struct.pack(">I", 2 * n + 1) + bytes(4) for n in range(20_000)),
        settings + b"\x00\x00\x01\x01\x00\x00\x00\x00\x01\x82" + b"\x00\x00\x01\x09\x00\x00\x00\x00\x01\x82" * 20_000,
    ):
        ask_raw(edge.settings.grpc_port, preface, frames, timeout_s=0.5)


def test_all_of_it_left_the_server_as_it_was(server: Server) -> None:
    """The last one of those that share a server."""
    server.check_alive()
    kinds = sum(ABUSES) - 1
    print(f"case 37: {kinds} kinds of abuse over HTTP and gRPC, none answered as the server's fault, the same pid")
    assert kinds > 0


def test_the_same_without_the_edge_ends_the_server(store: Path, photograph: bytes) -> None:
    """The control: one small request, which the edge refuses, ends this Triton."""
    tensor = binary_tensor([photograph])
    document = http_document(len(tensor))
    document["outputs"] = [{"name": contract.LABEL, "parameters": {"classification": 1}}]
    text = json.dumps(document).encode()
    with triton(store) as server:
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            ask_http(server.ports.http, text + tensor, {HEADER: str(len(text))})
        with pytest.raises(OpsError, match="was ended by SIG"):
            wait_ended(server)


def wait_ended(server: Server) -> None:
    while True:
        server.check_alive()
