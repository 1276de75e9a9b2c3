"""Classifies images as a user of another client would: `caller.py CLIENT GRPC_ADDRESS HTTP_ADDRESS IMAGE…`.

It runs in an environment of its own, without the SDK, and prints one JSON object an image: class_id, label, score.
Nothing here knows more than the contract in the README.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np

MODEL = "image_classifier"
OUTPUTS = ("CLASS_ID", "SCORE", "LABEL", "ERROR")
Answer = dict[str, Any]


def image_tensor(image: bytes) -> Any:
    """(1, 1) BYTES."""
    return np.array([[image]], dtype=np.object_)


def text(element: bytes | str) -> str:
    """An element of a BYTES tensor; some clients hand it out decoded."""
    return element if isinstance(element, str) else element.decode()


def best(tensors: dict[str, Any]) -> Answer:
    """What is printed, from the (1, K) outputs."""
    label, error = (text(tensors[name].ravel()[0]) for name in ("LABEL", "ERROR"))
    if error:
        raise AssertionError(error)
    class_id, score = (tensors[name].ravel()[0].item() for name in ("CLASS_ID", "SCORE"))
    return {"class_id": class_id, "label": label, "score": score}


def of_triton(result: Any) -> Answer:
    return best({name: result.as_numpy(name) for name in OUTPUTS})


def triton_message(module: Any, image: bytes) -> dict[str, Any]:
    """Inputs and outputs as each of tritonclient's modules has them."""
    given = module.InferInput("IMAGE", [1, 1], "BYTES")
    given.set_data_from_numpy(image_tensor(image))
    return {"inputs": [given], "outputs": [module.InferRequestedOutput(name) for name in OUTPUTS]}


def triton_grpc(grpc: str, _http: str, image: bytes) -> Answer:
    from tritonclient import grpc as module

    with module.InferenceServerClient(grpc) as client:
        return of_triton(client.infer(MODEL, **triton_message(module, image)))


async def triton_grpc_aio(grpc: str, _http: str, image: bytes) -> Answer:
    from tritonclient.grpc import aio as module

    async with module.InferenceServerClient(grpc) as client:
        return of_triton(await client.infer(MODEL, **triton_message(module, image)))


def triton_http(_grpc: str, http: str, image: bytes) -> Answer:
    from tritonclient import http as module

    with module.InferenceServerClient(http) as client:
        return of_triton(client.infer(MODEL, **triton_message(module, image)))


async def triton_http_aio(_grpc: str, http: str, image: bytes) -> Answer:
    from tritonclient.http import aio as module

    async with module.InferenceServerClient(http) as client:
        return of_triton(await client.infer(MODEL, **triton_message(module, image)))


def kserve_message(image: bytes, *, binary: bool) -> Any:
    from kserve import InferInput, InferRequest  # type: ignore[import-not-found]
    from kserve.protocol.infer_type import RequestedOutput  # type: ignore[import-not-found]

    given = InferInput("IMAGE", [1, 1], "BYTES")
    given.set_data_from_numpy(image_tensor(image), binary_data=True)
    outputs = [RequestedOutput(name, {"binary_data": True} if binary else None) for name in OUTPUTS]
    return InferRequest(MODEL, [given], request_outputs=outputs)


def of_kserve(response: Any) -> Answer:
    return best({output.name: output.as_numpy() for output in response.outputs})


async def kserve_grpc(grpc: str, _http: str, image: bytes) -> Answer:
    from kserve import InferenceGRPCClient

    async with InferenceGRPCClient(grpc) as client:
        return of_kserve(await client.infer(kserve_message(image, binary=False)))


async def kserve_rest(_grpc: str, http: str, image: bytes) -> Answer:
    from kserve import InferenceRESTClient
    from kserve.inference_client import RESTConfig  # type: ignore[import-not-found]

    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    try:
        return of_kserve(await client.infer(f"http://{http}", kserve_message(image, binary=True), model_name=MODEL))
    finally:
        await client.close()


CLIENTS: dict[str, Callable[[str, str, bytes], Answer | Coroutine[Any, Any, Answer]]] = {
    function.__name__: function
    for function in (triton_grpc, triton_grpc_aio, triton_http, triton_http_aio, kserve_grpc, kserve_rest)
}


def main(client: str, grpc: str, http: str, *images: str) -> None:
    for image in images:
        answer = CLIENTS[client](grpc, http, Path(image).read_bytes())
        print(json.dumps(answer if isinstance(answer, dict) else asyncio.run(answer)))


if __name__ == "__main__":
    main(*sys.argv[1:])
