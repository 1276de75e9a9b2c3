"""One inference as bytes: the KServe v2 protocol with Triton's binary tensor extension. No I/O.

Source: https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

import json
from collections.abc import Mapping
from functools import cache

from .. import contract
from ..errors import ProtocolError
from . import tensors
from .transport import InferRequest, InferResponse

HEADER_LENGTH = "Inference-Header-Content-Length"
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
        length = len(body) if header_length is None else int(header_length)
        header = json.loads(body[:length])
        outputs, start = {}, length
        for output in header["outputs"]:
            size = output["parameters"]["binary_data_size"]
            data = body[start : start + size]
            outputs[output["name"]] = tensors.decoded(data, datatype=output["datatype"], shape=output["shape"])
            start += size
        return InferResponse(str(header["model_version"]), outputs, str(header.get("id", "")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ProtocolError(f"the answer is not Triton's binary inference answer: {error!r}") from error


def parameters(body: bytes) -> Mapping[str, str]:
    """The answer to `GET …/config`: the parameters of the model.

    Raises:
        ProtocolError: it is no model configuration.
    """
    try:
        found = json.loads(body).get("parameters", {})
        return {key: str(value["string_value"]) for key, value in found.items()}
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise ProtocolError("the answer is no model configuration") from error
