"""One inference as bytes: the KServe v2 protocol with Triton's binary tensor extension. No I/O.

Source: https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

import json
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tritonclient.utils import deserialize_bytes_tensor, serialize_byte_tensor, triton_to_np_dtype

from . import contract
from .errors import ProtocolError
from .transport import InferRequest, InferResponse, image_tensor

HEADER_LENGTH = "Inference-Header-Content-Length"


def encode(request: InferRequest) -> tuple[bytes, dict[str, str]]:
    """The body of `POST …/infer` and the headers that describe it."""
    tensor = image_tensor(request.images)
    binary = serialize_byte_tensor(tensor).item()
    header = json.dumps(
        {
            "id": request.request_id,
            "inputs": [
                {
                    "name": contract.IMAGE,
                    "shape": tensor.shape,
                    "datatype": contract.INPUTS[contract.IMAGE],
                    "parameters": {"binary_data_size": len(binary)},
                }
            ],
            "outputs": [{"name": name, "parameters": {"binary_data": True}} for name in request.outputs],
        }
    ).encode()
    headers = {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(len(header))}
    return header + binary, headers


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
            outputs[output["name"]] = _tensor(body[start : start + size], output)
            start += size
        return InferResponse(str(header["model_version"]), outputs)
    except (ValueError, KeyError, TypeError, RecursionError, struct.error) as error:
        raise ProtocolError(f"the answer is not Triton's binary inference answer: {error!r}") from error


def _tensor(data: bytes, output: dict[str, Any]) -> NDArray[Any]:
    if output["datatype"] == "BYTES":
        values: NDArray[Any] = deserialize_bytes_tensor(data)
    else:
        values = np.frombuffer(data, dtype=triton_to_np_dtype(output["datatype"]))
    return values.reshape(output["shape"])
