"""What the edge lets through, byte for byte, and what it says of the rest."""

import json
from collections.abc import Callable
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
    binary_tensor,
    grpc_bytes,
    grpc_request,
    http_document,
    http_request,
)
from triptych_ops.runtime.edge import Edge

from .upstream import FakeTriton

IMAGES = (b"\xff\xd8first", b"", b"third" * 1000)
TENSOR = binary_tensor(IMAGES[:1])
SIZES: tuple[Any, ...] = (-1, 0, len(TENSOR) - 1, len(TENSOR) + 1, 1e3, 2**63, 10**30, "1", None, True, [], {})
SHAPES: tuple[Any, ...] = (
    *([], [1], [1, 1, 1], [0, 1], [1, 0], [2, 1], [33, 1], [2**62, 8]),
    *([-1, 1], [1, -1], [1.0, 1], ["1", 1], None, "x", {}, [[1], [1]]),
)


def http_status(edge: Edge, document: object, tensor: bytes = TENSOR, header: str | None = None) -> tuple[int, str]:
    """Status and error of a request with this JSON, given as data or as it is written."""
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    answer = ask_http(edge.settings.http_port, text + tensor, {HEADER: header or str(len(text))})
    return answer.status, "" if answer.status == 200 else answer.error


def changed(**changes: Any) -> dict[str, Any]:
    """The JSON of a good request for one image with some of its input changed."""
    document = http_document(len(TENSOR))
    document["inputs"][0] |= changes
    return document


def test_a_good_request_arrives_as_it_was_sent(edge: Edge, behind: FakeTriton) -> None:
    body, headers = http_request(IMAGES)
    sent = {**headers, "authorization": "Bearer x", "x-api-key": "y", "accept-encoding": "gzip", "x-forwarded-for": "z"}
    answer = ask_http(edge.settings.http_port, body, sent)
    assert answer.status == 200
    assert behind.bodies[-1] == body
    assert behind.headers[-1][HEADER.lower()] == headers[HEADER]
    unknown = {"authorization", "x-api-key", "accept-encoding", "x-forwarded-for", "x-forwarded-proto", "x-request-id"}
    assert not unknown & set(behind.headers[-1])
    assert answer.headers["server"] == "triptych"
    assert not [name for name in answer.headers if name.startswith("x-envoy")]


def test_chunks_arrive_as_one_body_of_a_known_length(edge: Edge, behind: FakeTriton) -> None:
    body, headers = http_request(IMAGES)
    pieces = (body[start : start + 100] for start in range(0, len(body), 100))
    answer = ask_http(edge.settings.http_port, pieces, headers)  # type: ignore[arg-type]
    assert answer.status == 200
    assert behind.bodies[-1] == body
    assert behind.headers[-1]["content-length"] == str(len(body))


def test_an_image_as_the_whole_body_arrives(edge: Edge, behind: FakeTriton) -> None:
    path = PATH.replace("/infer", "/versions/12/infer")
    assert ask_http(edge.settings.http_port, b"\xff\xd8", {HEADER: "0"}, path=path).status == 200
    assert (behind.paths[-1], behind.bodies[-1]) == (path, b"\xff\xd8")


@pytest.mark.parametrize(
    "document",
    [
        changed(),
        {**changed(), "id": 'a \\ " \u00e9 \n', "parameters": {"timeout": 5, "binary_data_output": True}},
        {**changed(), "outputs": []},
        {"inputs": changed()["inputs"]},
        json.dumps(changed(), indent=7).encode() + b"\r\n\t ",
    ],
)
def test_every_form_of_the_contract_is_let_through(edge: Edge, document: object) -> None:
    assert http_status(edge, document) == (200, "")


@pytest.mark.parametrize(
    "document",
    [
        b"{}",
        b"[]",
        b"null",
        b"x",
        b" ",
        b'"inputs"',
        json.dumps(changed()).encode() + b"{}",
        json.dumps(changed()).encode()[:-1],
        json.dumps(changed()).replace("inputs", "inp\\u0075ts").encode(),
        json.dumps({**changed(), "id": "x"}).encode().replace(b'"x"', b'"\xff"'),
        json.dumps({**changed(), "id": "x"}).encode().replace(b'"x"', b'"\x00"'),
        json.dumps({**changed(), "id": "x"}).encode().replace(b'"x"', b'"\\ud800"'),
        json.dumps({**changed(), "id": "x"}).encode().replace(b'"x"', b'"\\q"'),
        b'{"inputs":[],' + json.dumps(changed()).encode()[1:],
        {"inputs": []},
        {"inputs": None},
        {"inputs": {}},
        {"inputs": changed()["inputs"] * 2},
        {"inputs": ["IMAGE"]},
        {**changed(), "id": 5},
        {**changed(), "id": "x" * 257},
        {**changed(), "more": 1},
        {**changed(), "parameters": {"sequence_id": 5}},
        {**changed(), "parameters": {"timeout": -1}},
        {**changed(), "parameters": {"timeout": "5"}},
        {**changed(), "parameters": {"binary_data_output": 1}},
        {**changed(), "parameters": []},
        {**changed(), "outputs": [{"name": "LOGITS"}]},
        {**changed(), "outputs": [{"name": "LABEL", "parameters": {"classification": 1}}]},
        {**changed(), "outputs": [{"name": "LABEL"}] * 6},
        {**changed(), "outputs": [{"name": "LABEL", "parameters": {"shared_memory_region": "x"}}]},
        {**changed(), "outputs": "LABEL"},
        changed(name="PIXELS"),
        changed(datatype="FP32"),
        changed(data=["x"]),
        changed(parameters={}),
        changed(parameters={"shared_memory_region": "x"}),
        *(changed(parameters={"binary_data_size": size}) for size in SIZES),
        *(changed(shape=shape) for shape in SHAPES),
        b"[" * 8000 + b"]" * 8000,
        b'{"inputs":' + b"[" * 100,
    ],
)
def test_any_other_json_is_refused(edge: Edge, behind: FakeTriton, document: object) -> None:
    before = len(behind.bodies)
    status, error = http_status(edge, document)
    assert status == 400
    assert error
    assert len(behind.bodies) == before


@pytest.mark.parametrize(
    "tensor",
    [
        b"",
        b"abc",
        b"\x00\x00\x00\x00" * 2,
        b"\x01\x00\x00\x00",
        b"\x01\x00\x00\x00ab",
        b"\xff\xff\xff\xffab",
        b"\x00\x00\x00\x80ab",
        b"\xfc\xff\xff\xffab",
    ],
)
def test_lengths_that_lie_are_refused(edge: Edge, tensor: bytes) -> None:
    assert http_status(edge, http_document(len(tensor)), tensor)[0] == 400
    message = grpc_request(IMAGES[:1])
    message.raw_input_contents[0] = tensor
    assert ask_grpc(edge.settings.grpc_port, message.SerializeToString())[0] == "INVALID_ARGUMENT"


@pytest.mark.parametrize("header", ["-1", "x", "1e3", "0x10", "+5", "5,5", "99999999", "9" * 20, "1 1"])
def test_a_header_length_that_lies_is_refused(edge: Edge, header: str) -> None:
    assert http_status(edge, changed(), header=header)[0] == 400


def test_a_request_without_the_header_length_is_refused(edge: Edge) -> None:
    answer = ask_http(edge.settings.http_port, json.dumps(changed()).encode())
    assert (answer.status, answer.error[:27]) == (400, "images are taken as binary;")


def test_a_good_message_arrives_as_it_was_sent(edge: Edge, behind: FakeTriton) -> None:
    message = grpc_request(IMAGES)
    message.id = "x" * 256
    message.model_version = "12"
    message.parameters["timeout"].int64_param = 2**40
    sent = message.SerializeToString()
    metadata = (("authorization", "Bearer x"), ("x-api-key", "y"))
    assert ask_grpc(edge.settings.grpc_port, sent, metadata) == ("OK", "")
    assert (behind.paths[-1], behind.bodies[-1]) == (METHOD, sent)
    assert not {"authorization", "x-api-key"} & set(behind.headers[-1])


def test_fields_in_any_order_and_images_before_the_name_arrive(edge: Edge) -> None:
    name = service_pb2.ModelInferRequest(model_name="image_classifier").SerializeToString()
    nameless = grpc_request(IMAGES)
    nameless.ClearField("model_name")
    assert ask_grpc(edge.settings.grpc_port, nameless.SerializeToString() + name)[0] == "OK"


Change = Callable[[service_pb2.ModelInferRequest], object]


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.ClearField("model_name"),
        lambda m: m.ClearField("inputs"),
        lambda m: m.ClearField("raw_input_contents"),
        lambda m: m.raw_input_contents.append(b""),
        lambda m: m.inputs.add().CopyFrom(m.inputs[0]),
        lambda m: m.inputs[0].ClearField("name"),
        lambda m: m.inputs[0].ClearField("datatype"),
        lambda m: m.inputs[0].ClearField("shape"),
        lambda m: m.inputs[0].shape.append(1),
        lambda m: m.inputs[0].shape.extend([1] * 100_000),
        lambda m: m.inputs[0].shape.__setitem__(0, 0),
        lambda m: m.inputs[0].shape.__setitem__(0, -1),
        lambda m: m.inputs[0].shape.__setitem__(0, 33),
        lambda m: m.inputs[0].shape.__setitem__(0, 2**62),
        lambda m: m.inputs[0].shape.__setitem__(1, 2),
        lambda m: m.inputs[0].parameters["binary_data_size"].SetInParent(),
        lambda m: m.inputs[0].contents.bytes_contents.append(b"x"),
        lambda m: setattr(m.inputs[0], "name", "PIXELS"),
        lambda m: setattr(m.inputs[0], "datatype", "FP32"),
        lambda m: m.outputs.add(name="LOGITS"),
        lambda m: m.outputs.add(),
        lambda m: [m.outputs.add(name="LABEL") for _ in range(100_000)],
        lambda m: m.outputs[0].parameters["classification"].SetInParent(),
        lambda m: m.parameters["sequence_id"].SetInParent(),
        lambda m: setattr(m.parameters["timeout"], "string_param", "5"),
        lambda m: m.parameters["timeout"].SetInParent(),
        lambda m: setattr(m.parameters["timeout"], "int64_param", -1),
        lambda m: setattr(m, "model_version", "x"),
        lambda m: setattr(m, "model_version", "9" * 19),
        lambda m: setattr(m, "id", "x" * 257),
        lambda m: setattr(m, "id", "\u00e9"),
    ],
)
def test_any_other_message_is_refused(edge: Edge, behind: FakeTriton, change: Change) -> None:
    before = len(behind.bodies)
    message = grpc_request(IMAGES[:1])
    change(message)
    status, error = ask_grpc(edge.settings.grpc_port, message.SerializeToString())
    assert status == "INVALID_ARGUMENT"
    assert error
    assert len(behind.bodies) == before


_OTHER = service_pb2.ModelInferRequest(model_name="preprocess").SerializeToString()


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        (b"", _OTHER, "INVALID_ARGUMENT"),  # a second name, of which protobuf would keep the last
        (b"", b"\x12\x01" + b"1", "OK"),
        (b"", b"\x12\x01" + b"1" + b"\x12\x00", "INVALID_ARGUMENT"),  # a second version
        (b"", b"\x1a\x00\x1a\x00", "INVALID_ARGUMENT"),  # a second id
        (_OTHER, b"", "PERMISSION_DENIED"),
        (b"\x8a\x00\x0apreprocess", b"", "INVALID_ARGUMENT"),  # field 1 in a tag of two bytes
        (b"", b"\x8a\x80\x00\x0apreprocess", "INVALID_ARGUMENT"),
        (b"\x0a\x8a\x80\x00preprocess", b"", "PERMISSION_DENIED"),  # a length in three bytes
        (b"", b"\x0b\x0a\x0apreprocess\x0c", "INVALID_ARGUMENT"),  # in a group
        (b"", b"\x08\x01", "INVALID_ARGUMENT"),  # field 1 as a number
        (b"", b"\x42\x01x", "INVALID_ARGUMENT"),  # a field 8
        (b"", b"\x02\x00", "INVALID_ARGUMENT"),  # a field 0
        (b"", b"\x1a\xff\xff\xff\xff\x0fx", "INVALID_ARGUMENT"),  # longer than the message
        (b"", b"\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "INVALID_ARGUMENT"),
        (b"", b"\x1a", "INVALID_ARGUMENT"),
    ],
)
def test_no_writing_of_the_bytes_hides_another_model(edge: Edge, before: bytes, after: bytes, status: str) -> None:
    good = grpc_bytes(IMAGES[:1])
    assert ask_grpc(edge.settings.grpc_port, good)[0] == "OK"
    assert ask_grpc(edge.settings.grpc_port, before + good + after)[0] == status


def test_compressed_requests_are_refused(edge: Edge) -> None:
    body, headers = http_request(IMAGES)
    answer = ask_http(edge.settings.http_port, body, {**headers, "content-encoding": "gzip"})
    assert (answer.status, answer.error) == (415, "compressed bodies are not taken")
    message = grpc_bytes(IMAGES)
    status, _ = ask_grpc(edge.settings.grpc_port, message, compression=grpc.Compression.Gzip)
    assert status == "UNIMPLEMENTED"
    assert ask_http(edge.settings.http_port, body, {**headers, "content-encoding": "identity"}).status == 200


def test_two_messages_are_no_unary_request(edge: Edge) -> None:
    message = grpc_bytes(IMAGES)
    with grpc.insecure_channel(f"127.0.0.1:{edge.settings.grpc_port}") as channel:
        with pytest.raises(grpc.RpcError) as raised:
            channel.stream_unary(METHOD)(iter([message, message]), timeout=10)
        assert raised.value.code().name == "INVALID_ARGUMENT"
