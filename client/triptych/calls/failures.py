"""What the errors of a request tell of it: its id, the server, the attempts. Pure."""

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


def of_call(error: TriptychError, request: InferRequest) -> None:
    """Let the error that a call ended with tell of its request, where it is not that of an attempt."""
    if error.request_id is None and error.attempts:
        error.request_id = attempt_id(request.request_id, error.attempts)
