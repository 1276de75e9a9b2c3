"""Thousands of files through one client: an image that fails gets a row, a server that fails ends the run."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from triptych import Client, DeadlineExceededError, ImageError, ServerError, TooLargeError, TriptychError, contract
from triptych.calls.batches import DEFAULT_CONCURRENCY, DEFAULT_SIZE
from triptych_ops.errors import UsageError

from ..failures import in_options
from .rows import Outcome

_CODES: Final[Mapping[type[TriptychError], str]] = {
    TooLargeError: "too_large",
    DeadlineExceededError: "deadline_exceeded",
    ServerError: "server_error",
}
"""What the images of a request may be at fault for. Anything else is the server's, or the way to it."""


STANDARD_INPUT: Final = "-"


def standard_input(paths: Sequence[str]) -> bytes | None:
    """Read the image on standard input, where it is among `paths`; no more of it than an image may have.

    Raises:
        UsageError: it is there more than once.
    """
    if paths.count(STANDARD_INPUT) > 1:
        raise UsageError("standard input holds one image; give - once")
    if STANDARD_INPUT not in paths:
        return None
    return sys.stdin.buffer.read(contract.MAX_IMAGE_BYTES + 1) if sys.stdin else b""


@dataclass(frozen=True, slots=True)
class Asking:
    """How files are classified: by a client, `concurrency` requests under way at once.

    standard_input: the image whose path is `-`
    """

    client: Client
    top_k: int | None = None
    concurrency: int = DEFAULT_CONCURRENCY
    standard_input: bytes | None = None

    def outcomes(self, paths: Sequence[str]) -> Iterator[tuple[str, Outcome]]:
        """Each path with its outcome, in order.

        Raises:
            TriptychError: a request fails.
        """
        images = map(self._image, paths)
        answers = self.client.classify_many(images, concurrency=self.concurrency, top_k=self.top_k)
        for path, outcome in zip(paths, answers, strict=True):
            yield path, self._named(path, outcome)

    def alone(self, path: str) -> Outcome:
        """The outcome of one image in a request of its own.

        Raises:
            TriptychError: the request fails, for another reason than this image.
        """
        try:
            return self.client.classify(self._image(path), top_k=self.top_k)
        except ImageError as error:
            return self._named(path, error)

    def _image(self, path: str) -> str | bytes:
        return self.standard_input if path == STANDARD_INPUT and self.standard_input is not None else path

    def _named(self, path: str, outcome: Outcome) -> Outcome:
        if not isinstance(outcome, ImageError):
            return outcome
        source = outcome.source if self._image(path) is path else "standard input"
        return ImageError(outcome.code, in_options(outcome.message), source=source, index=outcome.index)


def classified(asking: Asking, paths: Sequence[str]) -> Iterator[tuple[str, Outcome]]:
    """Each path with its outcome, in order.

    The images of a request that fails are asked for again one by one. One that fails alone has an `ImageError`, with
    one of the codes above, where the server answers its known image all the same.

    Raises:
        TriptychError: the server cannot be asked, or answers nothing.
    """
    done = 0
    while done < len(paths):
        try:
            for path, outcome in asking.outcomes(paths[done:]):
                yield path, outcome
                done += 1
        except (TooLargeError, DeadlineExceededError, ServerError):
            for path in paths[done : done + DEFAULT_SIZE]:
                yield path, _alone(asking, path)
                done += 1


def _alone(asking: Asking, path: str) -> Outcome:
    try:
        return asking.alone(path)
    except TriptychError as error:
        code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), None)
        if code is None or not (isinstance(error, TooLargeError) or asking.client.health().ok):
            raise
        return ImageError(code, in_options(str(error)), source=path)
