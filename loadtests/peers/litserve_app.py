"""LitServe: `python -m loadtests.peers.litserve_app PORT WORKERS`."""

import sys
from typing import Annotated, Any

import litserve
from fastapi import Body

from loadtests.release_pipeline import ReleasePipeline


class ClassifyApi(litserve.LitAPI):  # type: ignore[misc]  # litserve is untyped
    """One image a call: on one thread a batch takes as long as its images one by one."""

    def setup(self, device: str) -> None:  # noqa: ARG002  litserve's interface
        """Load the release in a worker."""
        self._pipeline = ReleasePipeline.from_environment()

    def decode_request(self, request: Annotated[bytes, Body(media_type="image/jpeg")]) -> bytes:
        """The body is the image."""
        return request

    def predict(self, body: bytes) -> dict[str, Any]:
        """The best classes."""
        return self._pipeline.classify_as_json(body)

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        """JSON as it is."""
        return output


if __name__ == "__main__":
    port, workers = map(int, sys.argv[1:])
    # As its documentation advises: a worker a core on a CPU, the fast queue beyond 100 requests a second.
    server = litserve.LitServer(
        ClassifyApi(api_path="/classify"), accelerator="cpu", workers_per_device=workers, fast_queue=True
    )
    server.run(host="127.0.0.1", port=port, log_level="warning", generate_client_file=False)
