"""What somebody writes by hand instead of using the SDK, as lean as the libraries let it be: no retries, no checks."""

import http.client
import json
import struct
from collections.abc import Mapping
from typing import Any

import aiohttp
import numpy as np
from tritonclient import grpc as sync_grpc
from tritonclient.grpc import aio as async_grpc
from tritonclient.utils import deserialize_bytes_tensor

MODEL = "image_classifier"
OUTPUTS = ("CLASS_ID", "SCORE", "LABEL", "ERROR")
PATH = f"/v2/models/{MODEL}/infer"
Predictions = list[dict[str, Any]]

_DTYPES: Mapping[str, Any] = {"CLASS_ID": np.int32, "SCORE": np.float32}


class RawGrpc:
    """tritonclient's synchronous gRPC client."""

    def __init__(self, address: str) -> None:
        self._client = sync_grpc.InferenceServerClient(address)

    def classify(self, image: bytes) -> Predictions:
        result = self._client.infer(MODEL, **_triton_message(sync_grpc, image), client_timeout=10.0)
        return _predictions({name: result.as_numpy(name) for name in OUTPUTS})

    def close(self) -> None:
        self._client.close()


class RawAsyncGrpc:
    """tritonclient's asynchronous gRPC client."""

    def __init__(self, address: str) -> None:
        self._client = async_grpc.InferenceServerClient(address)

    async def classify(self, image: bytes) -> Predictions:
        result = await self._client.infer(MODEL, **_triton_message(async_grpc, image), client_timeout=10.0)
        return _predictions({name: result.as_numpy(name) for name in OUTPUTS})

    async def close(self) -> None:
        await self._client.close()


class RawHttp:
    """http.client with Triton's binary tensors, one connection."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=10.0)

    def classify(self, image: bytes) -> Predictions:
        body, header_bytes = _http_message(image)
        headers = {"Inference-Header-Content-Length": str(header_bytes), "Content-Type": "application/octet-stream"}
        self._connection.request("POST", PATH, body, headers)
        response = self._connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise RuntimeError(answer)
        return _http_predictions(answer, int(response.headers["Inference-Header-Content-Length"]))

    def close(self) -> None:
        self._connection.close()


class RawHttpPool:
    """The same for several threads, a connection each."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._idle: list[RawHttp] = []

    def classify(self, image: bytes) -> Predictions:
        client = self._taken()
        predictions = client.classify(image)
        self._idle.append(client)
        return predictions

    def close(self) -> None:
        for client in self._idle:
            client.close()

    def _taken(self) -> RawHttp:
        try:
            return self._idle.pop()
        except IndexError:
            return RawHttp(self._address)


class RawAsyncHttp:
    """aiohttp with Triton's binary tensors. It is made inside the event loop."""

    def __init__(self, address: str) -> None:
        self._url = f"http://{address}{PATH}"
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=10.0))

    async def classify(self, image: bytes) -> Predictions:
        body, header_bytes = _http_message(image)
        headers = {"Inference-Header-Content-Length": str(header_bytes), "Content-Type": "application/octet-stream"}
        async with self._session.post(self._url, data=body, headers=headers) as response:
            answer = await response.read()
            if response.status != 200:
                raise RuntimeError(answer)
            return _http_predictions(answer, int(response.headers["Inference-Header-Content-Length"]))

    async def close(self) -> None:
        await self._session.close()


def _triton_message(module: Any, image: bytes) -> dict[str, Any]:
    given = module.InferInput("IMAGE", [1, 1], "BYTES")
    given.set_data_from_numpy(np.array([[image]], dtype=np.object_))
    return {"inputs": [given], "outputs": [module.InferRequestedOutput(name) for name in OUTPUTS]}


def _http_message(image: bytes) -> tuple[bytes, int]:
    data = struct.pack("<I", len(image)) + image
    given = {"name": "IMAGE", "shape": [1, 1], "datatype": "BYTES", "parameters": {"binary_data_size": len(data)}}
    outputs = [{"name": name, "parameters": {"binary_data": True}} for name in OUTPUTS]
    header = json.dumps({"inputs": [given], "outputs": outputs}).encode()
    return header + data, len(header)


def _http_predictions(answer: bytes, header_bytes: int) -> Predictions:
    tensors, start = {}, header_bytes
    for output in json.loads(answer[:header_bytes])["outputs"]:
        size = output["parameters"]["binary_data_size"]
        data, dtype = answer[start : start + size], _DTYPES.get(output["name"])
        values = np.frombuffer(data, dtype) if dtype else deserialize_bytes_tensor(data)
        tensors[output["name"]] = values.reshape(output["shape"])
        start += size
    return _predictions(tensors)


def _predictions(tensors: Mapping[str, Any]) -> Predictions:
    if error := tensors["ERROR"][0, 0]:
        raise RuntimeError(error)
    columns = (tensors[name][0].tolist() for name in ("CLASS_ID", "LABEL", "SCORE"))
    return [
        {"class_id": class_id, "label": label.decode(), "score": score}
        for class_id, label, score in zip(*columns, strict=True)
    ]
