"""Whose fault a failing request is: one image's, or the server's."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from triptych import Client, DeadlineExceededError, ImageError, PermissionDeniedError, ServerError, TooLargeError
from triptych.calls.batches import DEFAULT_SIZE
from triptych.config import Resilience
from triptych.errors import TriptychError
from triptych.health import image as health_image
from triptych.transports.transport import InferRequest, InferResponse
from triptych_ops.cli.folder.asking import Asking, classified

COUNT = 20


class Touchy:
    """A transport of a server that labels each image by its bytes, and fails where an image of the request says so."""

    def __init__(self, failure: Callable[[bytes], TriptychError | None]) -> None:
        self._failure = failure
        self.sizes: list[int] = []

    def infer(self, request: InferRequest) -> InferResponse:
        self.sizes.append(len(request.images))
        for image in request.images:
            if error := self._failure(image):
                raise error
        rows = len(request.images)
        outputs = {
            "CLASS_ID": np.full((rows, 1), 7, np.int32),
            "SCORE": np.full((rows, 1), 0.5, np.float32),
            "LABEL": np.array([[image[:8]] for image in request.images], np.object_),
            "ERROR": np.full((rows, 1), b"", np.object_),
        }
        return InferResponse("1", outputs, request.request_id)

    def parameters(self, *, timeout_s: float) -> Mapping[str, str]:
        assert timeout_s > 0
        return {"health_class_id": "7", "health_score": "0.5"}

    def close(self) -> None:
        pass


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    for number in range(COUNT):
        (tmp_path / f"{number:02}.jpg").write_bytes(b"image %02d" % number)
    return [f"{tmp_path}/{number:02}.jpg" for number in range(COUNT)]


def outcomes(transport: Touchy, paths: list[str]) -> list[str]:
    """The label or the error's code of each path."""
    with Client(connect=lambda _: transport, resilience=Resilience.off()) as client:
        found = list(classified(Asking(client, concurrency=1), paths))
    assert [path for path, _ in found] == paths
    return [outcome.code if isinstance(outcome, ImageError) else outcome.top.label for _, outcome in found]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TooLargeError("413"), "too_large"),
        (DeadlineExceededError("no answer within 10 s"), "deadline_exceeded"),
        (ServerError("the model failed"), "server_error"),
    ],
)
def test_an_image_that_fails_alone_is_a_row_and_the_others_are_answered(
    paths: list[str], error: TriptychError, code: str
) -> None:
    transport = Touchy(lambda image: error if image == b"image 10" else None)
    labels = [f"image {number:02}" for number in range(COUNT)]
    assert outcomes(transport, paths) == [*labels[:10], code, *labels[11:]]
    health = [] if code == "too_large" else [1]
    assert transport.sizes == [8, 8, 1, 1, 1, *health, 1, 1, 1, 1, 1, 4]


def test_images_that_are_all_too_large_are_rows(paths: list[str]) -> None:
    transport = Touchy(lambda image: TooLargeError("413") if image != health_image() else None)
    assert outcomes(transport, paths) == ["too_large"] * COUNT


@pytest.mark.parametrize("error", [DeadlineExceededError("no answer within 10 s"), ServerError("a stub is dead")])
def test_a_server_that_answers_nothing_ends_the_run(paths: list[str], error: TriptychError) -> None:
    transport = Touchy(lambda _: error)
    with pytest.raises(type(error)):
        outcomes(transport, paths)
    assert transport.sizes == [DEFAULT_SIZE, 1, 1]


def test_what_no_image_is_to_blame_for_ends_the_run_at_once(paths: list[str]) -> None:
    transport = Touchy(lambda image: PermissionDeniedError("a key is needed") if image == b"image 10" else None)
    with pytest.raises(PermissionDeniedError):
        outcomes(transport, paths)
    assert transport.sizes == [DEFAULT_SIZE, DEFAULT_SIZE]
