"""What a server's answers tell of the release that it serves. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from .. import contract
from ..errors import ImageError
from ..results import Release
from . import answers
from .answers import Answer
from .asking import Question


def _served(answer: Answer) -> list[Release | ImageError]:
    """The release that classified and embedded one image."""
    classification, embedding = answers.classifications(answer)[0], answers.embeddings(answer)[0]
    if isinstance(classification, ImageError):
        return [classification]
    if isinstance(embedding, ImageError):
        return [embedding]
    return [
        Release(
            number=classification.release,
            model_version=classification.model_version,
            endpoint=classification.endpoint,
            top_k=len(classification.predictions),
            embedding_size=embedding.vector.size,
            labels=None,
            resize=None,
            parameters=None,
        )
    ]


RELEASE: Final[Question[Release]] = Question((*contract.CLASSIFICATION_OUTPUTS, contract.EMBEDDING), _served)


def described(release: Release, parameters: Mapping[str, str] | None) -> Release:
    """With what the ensemble's configuration tells; `parameters` is None where it is hidden."""
    told = parameters or {}
    return replace(
        release,
        labels=_number(told.get(contract.LABELS)),
        resize=_resize(told.get(contract.RESIZE)),
        parameters=parameters,
    )


def _number(text: str | None) -> int | None:
    return contract.positive_number(text) if text else None


def _resize(text: str | None) -> int | tuple[int, int] | None:
    sides = [_number(side) for side in text.split(",")] if text else []
    match sides:
        case [int(side)]:
            return side
        case [int(height), int(width)]:
            return height, width
    return None
