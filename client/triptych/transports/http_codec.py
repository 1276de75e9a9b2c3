"""One inference as bytes: the KServe v2 protocol with Triton's binary tensor extension. No I/O.

Source: https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from numpy.typing import NDArray

from .. import contract
from ..errors import ProtocolError
from . import tensors
from .transport import InferRequest, InferResponse
from .wording import first_line

HEADER_LENGTH = "Inference-Header-Content-Length"
MAX_HEADER_BYTES = 64 * 1024
"""Of the JSON before the tensors, of which an honest answer has less than 2 KiB."""

MAX_JSON_BYTES = 1024 * 1024
"""Of other JSON: a model's configuration, the words of an error. JSON costs time to read, which no deadline ends."""

_LENGTH = re.compile(r"[0-9]{1,9}")
_DATATYPE = contract.INPUTS[contract.IMAGE]


def encode(request: InferRequest) -> tuple[list[bytes], dict[str, str]]:
    """The body, in pieces, of `POST …/infer` and the headers that describe it.

    Triton's parameter `timeout`, microseconds, tells the models the caller's time.
    """
    count, binary_bytes = len(request.images), sum(map(len, request.images)) + 4 * len(request.images)
    timeout_us = int(request.timeout_s * 1e6)
    header = (
        f'{{"id":"{request.request_id}","parameters":{{"timeout":{timeout_us}}},"inputs":[{{"name":"{contract.IMAGE}",'
        f'"shape":[{count},1],"datatype":"{_DATATYPE}","parameters":{{"binary_data_size":{binary_bytes}}}}}],'
        f'"outputs":{_outputs(request.outputs)}}}'
    ).encode()
    headers = {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(len(header))}
    return [header, *tensors.parts_of_images(request.images)], headers


@cache
def _outputs(names: tuple[str, ...]) -> str:
    return json.dumps([{"name": name, "parameters": {"binary_data": True}} for name in names])


def decode(body: bytes, header_length: str | None) -> InferResponse:
    """The answer to `POST …/infer`; `header_length` is the answer's header of that name.

    Raises:
        ProtocolError: the bytes are no such answer.
    """
    try:
        start = _header_length(body, header_length)
        header = json.loads(body[:start].decode())
        outputs: dict[str, NDArray[Any]] = {}
        for output in header["outputs"]:
            size = _size(output["parameters"]["binary_data_size"], most=len(body) - start)
            data = body[start : start + size]
            tensors.add_decoded(
                outputs, _text(output["name"]), data, datatype=_text(output["datatype"]), shape=output["shape"]
            )
            start += size
        return InferResponse(_text(header["model_version"]), outputs, _text(header.get("id", "")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = first_line(repr(error))
        raise ProtocolError(f"the answer is not Triton's binary inference answer: {reason}") from error


def _header_length(body: bytes, told: str | None) -> int:
    """The bytes of the answer's JSON, which the tensors follow."""
    if told is not None and not _LENGTH.fullmatch(told):
        raise ValueError(f"{HEADER_LENGTH} is no number")
    length = len(body) if told is None else int(told)
    if not 0 < length <= min(len(body), MAX_HEADER_BYTES):
        raise ValueError(f"{HEADER_LENGTH} is {length} of {len(body)} bytes")
    return length


def _size(value: object, *, most: int) -> int:
    """The value, which is a number of bytes that are there."""
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError("an output's size is not within the answer")
    return value


def _text(value: object) -> str:
    """The value, which is text that UTF-8 can hold: JSON's escapes allow halves of surrogate pairs."""
    if not isinstance(value, str):
        raise TypeError("there is something else where text was expected")
    value.encode()
    return value


def small_json(body: bytes) -> Any:
    """The JSON of a body that has at most `MAX_JSON_BYTES`.

    Raises:
        ValueError, RecursionError: it is larger, or no JSON.
    """
    if len(body) > MAX_JSON_BYTES:
        raise ValueError(f"it has more than {MAX_JSON_BYTES} bytes")
    return json.loads(body)


def parameters(body: bytes) -> Mapping[str, str]:
    """The answer to `GET …/config`: the parameters of the model.

    Raises:
        ProtocolError: it is no model configuration.
    """
    try:
        found = small_json(body).get("parameters", {})
        return {_text(key): _text(value["string_value"]) for key, value in found.items()}
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise ProtocolError("the answer is no model configuration") from error
