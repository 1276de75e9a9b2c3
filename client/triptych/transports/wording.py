"""What a server says of its failure: what it means, and how much of it is shown. Pure."""

import re
from collections.abc import Callable, Mapping

from ..errors import OverloadedError, ProtocolError, ServerError, TooLargeError, TriptychError

_LONGEST = 320  # the longest message of Triton that says what to do about it has 300 characters
_READ_AT_MOST = 4096  # characters of a server's words; patterns cost time, and an answer may be large
_TRACEBACK = re.compile(r"Traceback \(most recent call last\)|^[ \t]*File \"|\bFile \"[^\"]*\", line \d", re.MULTILINE)
_REGION = re.compile(r"/dev/shm/\S+|\btriton_python_backend_shm\w*")  # noqa: S108  a pattern
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_OPTION = re.compile(r"--?[a-z][a-z0-9-]*")


def first_line(message: str | None) -> str:
    """One line for people: no traceback, no name of a shared memory region, nothing that a terminal would obey."""
    spoken = _TRACEBACK.split((message or "").lstrip()[:_READ_AT_MOST], maxsplit=1)[0].strip()
    line = printable(spoken.splitlines()[0].rstrip()) if spoken else "the server gave no reason"
    nameless = _REGION.sub("…", line)
    return _shortened(_QUOTED.sub(_unnamed, nameless) if "shared memory" in line.lower() else nameless)


def printable(text: str) -> str:
    """The text with each character escaped that is not printable: a terminal obeys some of them."""
    return text if text.isprintable() else "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _unnamed(quoted: re.Match[str]) -> str:
    """Hide the name of a region, but not an option, which is what the message advises."""
    return quoted[0] if _OPTION.fullmatch(quoted[0][1:-1]) else "'…'"


def _shortened(line: str) -> str:
    """The line, or its first words with an ellipsis in the place of the others."""
    if len(line) <= _LONGEST:
        return line
    start, _, cut_off = line[:_LONGEST].rpartition(" ")
    return f"{(start or cut_off).rstrip()}…"


MEANINGS: Mapping[re.Pattern[str], Callable[[str], TriptychError]] = {
    # A killed stub is never restarted by Triton itself.
    re.compile(r"stub process .*(?:not healthy|unhealthy)", re.IGNORECASE): lambda message: ServerError(
        message, lasting=True
    ),
    re.compile(r"maximum queue size", re.IGNORECASE): OverloadedError,
    re.compile(r"\bCLIENT: Received message larger than max"): ProtocolError,  # gRPC's own words of an answer
    re.compile(r"message larger than max", re.IGNORECASE): TooLargeError,
    re.compile(r"a request may have at most \d+ bytes"): TooLargeError,  # the edge's; gRPC has no status for it
}
"""Words of Triton and gRPC that say more than the status beside them."""


def meaning(words: str) -> Callable[[str], TriptychError] | None:
    """The error that these words mean, whatever the status says."""
    return next((kind for pattern, kind in MEANINGS.items() if pattern.search(words[:_READ_AT_MOST])), None)
