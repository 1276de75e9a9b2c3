"""What a server says of its failure: what it means, and how much of it is shown. Pure."""

import re
from collections.abc import Callable, Mapping

from ..errors import OverloadedError, ServerError, TooLargeError, TriptychError

_LONGEST = 200
_TRACEBACK = re.compile(r"Traceback \(most recent call last\)|^\s*File \"|\bFile \"[^\"]*\", line \d", re.MULTILINE)
_REGION = re.compile(r"/dev/shm/\S+|\btriton_python_backend_shm\w*")  # noqa: S108  a pattern
_NAME = re.compile(r"'[^']*'|\"[^\"]*\"")  # in words about shared memory


def first_line(message: str | None) -> str:
    """One line for people: no traceback, no name of a shared memory region."""
    spoken = _TRACEBACK.split(message or "", maxsplit=1)[0].strip()
    line = spoken.splitlines()[0].rstrip() if spoken else "the server gave no reason"
    nameless = _REGION.sub("…", line)
    return (_NAME.sub("'…'", nameless) if "shared memory" in line.lower() else nameless)[:_LONGEST]


MEANINGS: Mapping[re.Pattern[str], Callable[[str], TriptychError]] = {
    # A killed stub is never restarted by Triton itself.
    re.compile(r"stub process .*(?:not healthy|unhealthy)", re.IGNORECASE): lambda message: ServerError(
        message, lasting=True
    ),
    re.compile(r"maximum queue size", re.IGNORECASE): OverloadedError,
    re.compile(r"message larger than max", re.IGNORECASE): TooLargeError,
    re.compile(r"a request may have at most \d+ bytes"): TooLargeError,  # the edge's; gRPC has no status for it
}
"""Words of Triton and gRPC that say more than the status beside them."""


def meaning(words: str) -> Callable[[str], TriptychError] | None:
    """The error that these words mean, whatever the status says."""
    return next((kind for pattern, kind in MEANINGS.items() if pattern.search(words)), None)
