"""The contract of the Triton model `image_classifier`, in one place.

    in   IMAGE      BYTES [N, 1]   one encoded image of a format in image_formats.py, of any size
    out  CLASS_ID   INT32 [N, K]   best first; -1 where the image failed
    out  SCORE      FP32  [N, K]   softmax probability
    out  LABEL      BYTES [N, K]   UTF-8
    out  ERROR      BYTES [N, 1]   empty, or `code: message` for that image
    out  EMBEDDING  FP32  [N, D]   penultimate features, sent only when asked for

A request fails with INVALID_ARGUMENT only when none of its images can be classified; its message
then has one line an image: `[i] code: message`.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

MODEL_NAME: Final = "image_classifier"
MEMBERS: Final = ("preprocess", "classifier", "postprocess")
"""The ensemble's panels, in the order in which an image passes them."""

IMAGE: Final = "IMAGE"
CLASS_ID: Final = "CLASS_ID"
SCORE: Final = "SCORE"
LABEL: Final = "LABEL"
ERROR: Final = "ERROR"
EMBEDDING: Final = "EMBEDDING"

INPUTS: Final[Mapping[str, str]] = MappingProxyType({IMAGE: "BYTES"})
"""Name -> Triton datatype."""

OUTPUTS: Final[Mapping[str, str]] = MappingProxyType(
    {CLASS_ID: "INT32", SCORE: "FP32", LABEL: "BYTES", ERROR: "BYTES", EMBEDDING: "FP32"}
)
"""Name -> Triton datatype."""

CLASSIFICATION_OUTPUTS: Final = (CLASS_ID, SCORE, LABEL, ERROR)
EMBEDDING_OUTPUTS: Final = (EMBEDDING, ERROR)

MAX_BATCH_SIZE: Final = 32
"""Images that one request may hold: `max_batch_size` of every panel."""

MAX_IMAGE_BYTES: Final = 20 * 1024 * 1024
"""Encoded bytes of one image that a server accepts: no camera's JPEG is larger."""

HEALTH_CLASS_ID: Final = "health_class_id"
HEALTH_SCORE: Final = "health_score"
"""Parameters of the ensemble's configuration: the known answer to the SDK's built-in health image."""

LABELS: Final = "labels"
RESIZE: Final = "resize"
"""Further ones: how many classes there are, and what preprocessing resizes an image to, in pixels: "256" where that is
the shorter side, "224,224" where it is the exact height and width."""

HEALTH_ID: Final = "health-"
"""How the ids of requests begin that ask for the server's health or its release: what is served does not count them."""

HEALTH_TOLERANCE: Final = 0.02
"""How far the served probability may lie from the known one: many times what other kernels change."""

_NUMBER = re.compile(r"[0-9]{1,18}")
_CODE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_REJECTION = re.compile(rf"^\[([0-9]{{1,6}})\] ({_CODE.pattern}): (.*)$")


def positive_number(text: str) -> int | None:
    """Return the number above zero that 1 to 18 ASCII digits write, such as a release's; None for any other text."""
    return (int(text) or None) if _NUMBER.fullmatch(text) else None


def is_code(text: str) -> bool:
    """Return whether the text can be the code of an image's error: one ASCII word of at most 64 characters."""
    return _CODE.fullmatch(text) is not None


def split_error(error: str) -> tuple[str, str]:
    """`code: message` -> (code, message); text of another shape gets the code `rejected`."""
    code, separator, message = error.partition(": ")
    return (code, message) if separator and is_code(code) else ("rejected", error)


def parse_rejections(message: str) -> dict[int, tuple[str, str]]:
    """The message of a request whose images all failed -> image index: (code, message).

    Empty when the message is not of that kind. Triton may put words of its own before the first line.
    """
    lines = message[message.find("[0] ") :].splitlines() if "[0] " in message else []
    matches = [_REJECTION.match(line) for line in lines]
    return {int(match[1]): (match[2], match[3]) for match in matches if match}
