"""Thousands of files through one client: an image that fails gets a row, a server that fails ends the run."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from triptych import Client, DeadlineExceededError, ImageError, ServerError, TooLargeError, TriptychError
from triptych.calls.batches import DEFAULT_CONCURRENCY, DEFAULT_SIZE

from .rows import Outcome

_CODES: Final[Mapping[type[TriptychError], str]] = {
    TooLargeError: "too_large",
    DeadlineExceededError: "deadline_exceeded",
    ServerError: "server_error",
}
"""What the images of a request may be at fault for. Anything else is the server's, or the way to it."""


def classified(
    client: Client, paths: Sequence[str], *, top_k: int | None = None, concurrency: int = DEFAULT_CONCURRENCY
) -> Iterator[tuple[str, Outcome]]:
    """Each path with its outcome, in order; `concurrency` requests are under way at once.

    The images of a request that fails are asked for again one by one. One that fails alone has an `ImageError`, with
    one of the codes above, where the server answers its known image all the same.

    Raises:
        TriptychError: the server cannot be asked, or answers nothing.
    """
    done = 0
    while done < len(paths):
        try:
            for outcome in client.classify_many(paths[done:], concurrency=concurrency, top_k=top_k):
                yield paths[done], outcome
                done += 1
        except (TooLargeError, DeadlineExceededError, ServerError):
            for path in paths[done : done + DEFAULT_SIZE]:
                yield path, _alone(client, path, top_k=top_k)
                done += 1


def _alone(client: Client, path: str, *, top_k: int | None) -> Outcome:
    try:
        return client.classify(path, top_k=top_k)
    except ImageError as error:
        return error
    except TriptychError as error:
        code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), None)
        if code is None or not (isinstance(error, TooLargeError) or client.health().ok):
            raise
        return ImageError(code, str(error), source=path)
