"""What goes wrong, as an answer: RFC 9457 problem details. Pure.

Source: https://www.rfc-editor.org/rfc/rfc9457
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from triptych import (
    DeadlineExceededError,
    ImageError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    ProtocolError,
    ServerError,
    TooLargeError,
    TriptychError,
    UnavailableError,
)

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:triptych:problem:"
SOON_S: Final = 1.0  # to come back after, where nobody knows better


@dataclass(frozen=True, slots=True)
class Kind:
    """What problems of a kind have in common; `name` is the end of their `type`."""

    name: str
    status: int
    title: str
    passes: bool = False  # by itself: the answer says when to come back


INVALID_REQUEST: Final = Kind("invalid_request", 400, "The request cannot be understood")
NOT_FOUND: Final = Kind("not_found", 404, "There is nothing at this path")
METHOD_NOT_ALLOWED: Final = Kind("method_not_allowed", 405, "This path does not take that method")
BODY_TIMEOUT: Final = Kind("body_timeout", 408, "The request did not arrive in time")
TOO_LARGE: Final = Kind("too_large", 413, "The request is too large")
UNSUPPORTED_MEDIA_TYPE: Final = Kind("unsupported_media_type", 415, "The body is of no type that is taken here")
BAD_IMAGE: Final = Kind("bad_image", 422, "The image cannot be classified")
INTERNAL: Final = Kind("internal", 500, "The gateway failed")
BAD_ANSWER: Final = Kind("bad_answer", 502, "The server's answer is not to be used")
SERVER_FAILED: Final = Kind("server_failed", 502, "The server failed")
SERVER_REFUSED: Final = Kind("server_refused", 502, "The server refuses this gateway")
NO_MODEL: Final = Kind("no_model", 502, "The server does not have the model")
OVERLOADED: Final = Kind("overloaded", 503, "Too much is under way", passes=True)
UNAVAILABLE: Final = Kind("unavailable", 503, "No server can be reached", passes=True)
STOPPING: Final = Kind("stopping", 503, "The gateway is stopping", passes=True)
UNHEALTHY: Final = Kind("unhealthy", 503, "The server does not answer rightly", passes=True)
DEADLINE: Final = Kind("deadline_exceeded", 504, "There was no answer in time")

OF_SDK: Final[Mapping[type[TriptychError], Kind]] = {
    ImageError: BAD_IMAGE,
    TooLargeError: TOO_LARGE,
    OverloadedError: OVERLOADED,
    UnavailableError: UNAVAILABLE,
    DeadlineExceededError: DEADLINE,
    NotFoundError: NO_MODEL,
    PermissionDeniedError: SERVER_REFUSED,
    ProtocolError: BAD_ANSWER,
    ServerError: SERVER_FAILED,
}
_ADDRESSES: Final = (
    (re.compile(r"(?:grpcs?|https?)://[^\s,;)]*[^\s,;:).]"), "the server"),
    (re.compile(r"(?:dns|ipv4|ipv6|unix):[^\s,;)]*[^\s,;:).]"), "its address"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An answer that says what was wrong.

    code:          one word for programs: an image's, else the kind's name
    retry_after_s: when to come back; None: it is no use, or nobody knows
    headers:       of the answer
    more:          further members
    """

    kind: Kind
    detail: str
    code: str = ""
    retry_after_s: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, object] = field(default_factory=dict)

    @property
    def all_headers(self) -> dict[str, str]:
        """`headers`, and `Retry-After` where there is something to come back for."""
        headers = {"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store", **self.headers}
        if self.kind.passes and self.retry_after_s != math.inf:
            headers["Retry-After"] = str(max(1, math.ceil(self.retry_after_s or SOON_S)))
        return headers

    def body(self, request_id: str) -> bytes:
        """The problem as JSON."""
        document = {
            "type": TYPE_PREFIX + self.kind.name,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "code": self.code or self.kind.name,
            "request_id": request_id,
        }
        return json.dumps({**document, **self.more}, allow_nan=False).encode()


class ProblemError(Exception):
    """Ends a request with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def failed(kind: Kind, detail: str, *, headers: Mapping[str, str] | None = None) -> ProblemError:
    """The error that ends a request so."""
    return ProblemError(Problem(kind=kind, detail=detail, headers=headers or {}))


def of_error(error: TriptychError) -> Problem:
    """What an error of the SDK tells a caller, who does not learn where servers are."""
    kind = OF_SDK.get(type(error), INTERNAL)
    if isinstance(error, ImageError):
        return Problem(kind=kind, code=error.code, detail=error.message)
    return Problem(kind=kind, detail=without_addresses(str(error)), retry_after_s=error.retry_after_s)


def without_addresses(text: str) -> str:
    """The text of an error without the addresses in it."""
    for address, words in _ADDRESSES:
        text = address.sub(words, text)
    return text
