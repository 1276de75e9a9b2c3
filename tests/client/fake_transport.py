"""A server of the contract without a network."""

from collections.abc import Mapping

import numpy as np

from triptych import TriptychError
from triptych.transports.transport import InferRequest, InferResponse, InvalidArgumentError

KNOWN = {"health_class_id": "7", "health_score": "0.5"}


class FakeTransport:
    """Labels each image by its first 4 bytes, and rejects those that begin with `bad` as Triton does."""

    def __init__(self) -> None:
        self.requests: list[InferRequest] = []
        self.closed = 0
        self.failures: list[TriptychError] = []  # of the next requests
        self.configuration: Mapping[str, str] | TriptychError = KNOWN

    def infer(self, request: InferRequest) -> InferResponse:
        self.requests.append(request)
        if self.failures:
            raise self.failures.pop(0)
        errors = [b"corrupt_image: broken" if image.startswith(b"bad") else b"" for image in request.images]
        if all(errors):
            lines = (f"[{index}] {error.decode()}" for index, error in enumerate(errors))
            raise InvalidArgumentError("in ensemble 'image_classifier', " + "\n".join(lines))
        rows = len(errors)
        outputs = {
            "CLASS_ID": np.tile(np.array([7, 3, 1], np.int32), (rows, 1)),
            "SCORE": np.tile(np.array([0.5, 0.25, 0.125], np.float32), (rows, 1)),
            "LABEL": np.array([[image[:4], b"second", b"third"] for image in request.images], np.object_),
            "ERROR": np.array(errors, np.object_).reshape(rows, 1),
            "EMBEDDING": np.full((rows, 4), rows, np.float32),
        }
        return InferResponse("12", {name: outputs[name] for name in request.outputs}, request.request_id)

    def parameters(self, *, timeout_s: float) -> Mapping[str, str]:
        assert timeout_s > 0
        if isinstance(self.configuration, TriptychError):
            raise self.configuration
        return self.configuration

    def close(self) -> None:
        self.closed += 1
