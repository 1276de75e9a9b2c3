"""What the errors of a request tell of it: its id, the server, the attempts. Pure."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from ..errors import TriptychError
from ..resilience.course import Attempt
from ..transports.transport import InferRequest, attempt_id

Error = TypeVar("Error", bound=TriptychError)


def of_request(error: Error, *, request_id: str | None, endpoint: str | None, attempts: int) -> Error:
    """The error, which now tells of its request."""
    error.request_id, error.endpoint, error.attempts = request_id, endpoint, attempts
    return error


def of_attempt(error: TriptychError, request: InferRequest, attempt: Attempt) -> TriptychError:
    """The error of an attempt, which now tells of it."""
    name, number = attempt_id(request.request_id, attempt.number), attempt.number
    return of_request(error, request_id=name, endpoint=str(attempt.endpoint), attempts=number)


@contextmanager
def of_call(request: InferRequest) -> Iterator[None]:
    """Let an error that a call ends with tell of its request, where it is not that of an attempt.

    Raises:
        TriptychError: as it is raised inside.
    """
    try:
        yield
    except TriptychError as error:
        if error.request_id is None and error.attempts:
            error.request_id = attempt_id(request.request_id, error.attempts)
        raise
