"""Results of the SDK as JSON documents. Pure."""

from collections.abc import Sequence
from typing import Any

from triptych import Classification, Embedding, ImageError


def of_classification(result: Classification) -> dict[str, Any]:
    """The answer to one image's classification."""
    predictions = [{"class_id": each.class_id, "label": each.label, "score": each.score} for each in result.predictions]
    return {"predictions": predictions, **_served(result)}


def of_embedding(result: Embedding) -> dict[str, Any]:
    """The answer with one image's features."""
    return {"vector": result.vector.tolist(), **_served(result)}


def of_several(files: Sequence[str], entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The answer to several images, each under its file's name."""
    return {"results": [{"file": file, **entry} for file, entry in zip(files, entries, strict=True)]}


def of_failure(error: ImageError) -> dict[str, Any]:
    """What stands in the place of an image that cannot be classified."""
    return {"error": {"code": error.code, "message": error.message}}


def _served(result: Classification | Embedding) -> dict[str, Any]:
    return {
        "release": result.release,
        "request_id": result.request_id,
        "elapsed_s": round(result.elapsed_s, 6),
        "attempts": result.attempts,
    }
