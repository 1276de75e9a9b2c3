"""The layouts are written out by hand from the protocol's text: JSON, then each tensor's bytes in turn;
a BYTES element is its length, 4 bytes little-endian, and its content."""

import json
import struct
from typing import Any

import numpy as np
import pytest

from triptych import ProtocolError
from triptych.transports.http_codec import decode, encode
from triptych.transports.transport import InferRequest

SCORES = struct.pack("<4f", 0.75, 0.125, 0.5, 0.25)
LABELS = b"\x05\0\0\0tabby" + b"\x00\0\0\0" + b"\x02\0\0\0\xc3\xa4" + b"\x01\0\0\0\0"
CLASS_IDS = struct.pack("<4i", 281, 285, -1, 207)


def output(name: str, datatype: str, data: bytes) -> dict[str, Any]:
    return {
        "name": name,
        "datatype": datatype,
        "shape": [2, 2],
        "parameters": {"binary_data_size": len(data)},
    }


def header() -> dict[str, Any]:
    outputs = [
        output("LABEL", "BYTES", LABELS),
        output("CLASS_ID", "INT32", CLASS_IDS),
        output("SCORE", "FP32", SCORES),
    ]
    return {"model_name": "image_classifier", "model_version": "7", "id": "request-1", "outputs": outputs}


def packed(head: Any, binary: bytes = LABELS + CLASS_IDS + SCORES) -> tuple[bytes, str]:
    text = json.dumps(head).encode()
    return text + binary, str(len(text))


def test_a_request_is_its_description_and_its_images() -> None:
    request = InferRequest((b"first", b"", b"\0\xff"), ("SCORE", "ERROR"), "request-1", 10.0)
    parts, headers = encode(request)
    body = b"".join(parts)
    length = int(headers["Inference-Header-Content-Length"])
    assert headers["Content-Type"] == "application/octet-stream"
    assert body[length:] == b"\x05\0\0\0first" + b"\0\0\0\0" + b"\x02\0\0\0\0\xff"
    assert json.loads(body[:length]) == {
        "id": "request-1",
        "parameters": {"timeout": 10_000_000},
        "inputs": [{"name": "IMAGE", "shape": [3, 1], "datatype": "BYTES", "parameters": {"binary_data_size": 19}}],
        "outputs": [
            {"name": "SCORE", "parameters": {"binary_data": True}},
            {"name": "ERROR", "parameters": {"binary_data": True}},
        ],
    }


def test_an_answer_gives_each_tensor_its_own_bytes() -> None:
    response = decode(*packed(header()))
    assert response.model_version == "7"
    assert {name: tensor.tolist() for name, tensor in response.outputs.items()} == {
        "LABEL": [[b"tabby", b""], ["ä".encode(), b"\0"]],
        "CLASS_ID": [[281, 285], [-1, 207]],
        "SCORE": [[0.75, 0.125], [0.5, 0.25]],
    }
    assert {name: tensor.dtype for name, tensor in response.outputs.items()} == {
        "LABEL": np.object_,
        "CLASS_ID": np.int32,
        "SCORE": np.float32,
    }


def test_what_is_encoded_can_be_decoded() -> None:
    images = (b"first", b"", b"\0\xff" * 70_000)
    parts, headers = encode(InferRequest(images, ("SCORE",), "request-1", 10.0))
    body = b"".join(parts)
    length = int(headers["Inference-Header-Content-Length"])
    head = json.loads(body[:length])
    mirrored, new_length = packed(
        {"model_version": "7", "outputs": [{**head["inputs"][0], "name": "LABEL"}]}, body[length:]
    )
    assert decode(mirrored, new_length).outputs["LABEL"].tolist() == [[image] for image in images]


def test_an_answer_without_outputs_is_an_answer() -> None:
    assert decode(*packed({"model_version": "7", "outputs": []}, b"")).outputs == {}


def test_bytes_beyond_the_last_tensor_are_no_part_of_it() -> None:
    assert decode(*packed(header(), LABELS + CLASS_IDS + SCORES + b"more")).outputs["SCORE"].shape == (2, 2)


@pytest.mark.parametrize("missing", range(1, len(CLASS_IDS + SCORES) + 1))
def test_an_answer_cut_off_within_its_numbers_is_no_answer(missing: int) -> None:
    body, length = packed(header())
    with pytest.raises(ProtocolError):
        decode(body[:-missing], length)


@pytest.mark.parametrize("kept", [0, 1, 40, -1])
def test_an_answer_cut_off_within_its_description_is_no_answer(kept: int) -> None:
    body, length = packed(header(), b"")
    with pytest.raises(ProtocolError):
        decode(body[:kept], length)


@pytest.mark.parametrize("name", ["model_version", "outputs"])
def test_a_description_without_one_of_its_keys_is_no_answer(name: str) -> None:
    head = header()
    del head[name]
    with pytest.raises(ProtocolError, match=name):
        decode(*packed(head))


@pytest.mark.parametrize("name", ["name", "datatype", "shape", "parameters"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_output_without_one_of_its_keys_is_no_answer(name: str, place: int) -> None:
    head = header()
    del head["outputs"][place][name]
    with pytest.raises(ProtocolError, match=name):
        decode(*packed(head))


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": [3, 2]},
        {"shape": [2, 1]},
        {"shape": "wide"},
        {"parameters": {}},
        {"parameters": None},
        {"parameters": {"binary_data_size": "16"}},
        {"parameters": {"binary_data_size": 15}},
        {"parameters": {"binary_data_size": None}},
        {"parameters": {"binary_data": True}, "data": [0.75, 0.125, 0.5, 0.25]},
        {"name": ["SCORE"]},
        {"datatype": "FP64"},
        {"datatype": "text"},
    ],
    ids=str,
)
def test_an_output_that_contradicts_itself_is_no_answer(changes: dict[str, Any]) -> None:
    head = header()
    head["outputs"][2] |= changes
    with pytest.raises(ProtocolError):
        decode(*packed(head))


@pytest.mark.parametrize(
    ("body", "length"),
    [
        (b"", None),
        (b"<html>It works!</html>", None),
        (b"\xff\xfe\0", None),
        (b"null", None),
        (b"[]", None),
        (b"[" * 100_000, None),
        (b"7", None),
        (b'"outputs"', None),
        (b'{"error": "oh no"}', None),
        (b'{"outputs": 7, "model_version": "7"}', None),
        (b'{"outputs": [7], "model_version": "7"}', None),
        (b'{"outputs": [], "model_version": "7"}', "many"),
        (b'{"outputs": [], "model_version": "7"}', ""),
        (b'{"outputs": [], "model_version": "7"}', "5"),
        (b'{"outputs": [], "model_version": "7"}', "-5"),
    ],
)
def test_bytes_of_another_server_are_no_answer(body: bytes, length: str | None) -> None:
    with pytest.raises(ProtocolError) as caught:
        decode(body, length)
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("labels", [LABELS[:-1], b"\xff\xff\0\0" + LABELS[4:], LABELS[:2]])
def test_an_answer_cut_off_within_its_words_is_no_answer(labels: bytes) -> None:
    head = {"model_version": "7", "outputs": [output("LABEL", "BYTES", labels)]}
    with pytest.raises(ProtocolError):
        decode(*packed(head, labels))
