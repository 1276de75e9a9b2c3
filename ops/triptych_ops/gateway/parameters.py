"""What a request says besides its body. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

from .limits import Limits
from .problems import INVALID_REQUEST, failed

TOP_K: Final = "top_k"
TIMEOUT: Final = "timeout_s"
TIMEOUT_HEADER: Final = "x-timeout-s"
REQUEST_ID_HEADER: Final = "x-request-id"

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_WHOLE = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
# As JSON writes numbers, exponents too: clients made from the OpenAPI description write what their language prints.
_NUMBER = re.compile(r"(?=\.?[0-9])[0-9]{0,20}(?:\.[0-9]{0,20})?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """`top_k`: None for all classes that the release gives."""

    top_k: int | None
    timeout_s: float


def parameters(query: bytes, headers: Mapping[bytes, bytes], limits: Limits) -> Parameters:
    """Those of a request. The caller's time by query, else by header, is at most what the gateway allows.

    Raises:
        ProblemError: one is out of range.
    """
    given = _given(query) if query else {}
    top_k, timeout = given.get(TOP_K), given.get(TIMEOUT)
    if timeout is None and (header := headers.get(TIMEOUT_HEADER.encode())) is not None:
        timeout = header.decode("latin-1")
    return Parameters(
        top_k=None if top_k is None else _top_k(top_k),
        timeout_s=limits.timeout_s if timeout is None else min(_seconds(timeout), limits.longest_timeout_s),
    )


def request_id(headers: Mapping[bytes, bytes]) -> str | None:
    """The caller's name for its request; None where it has none, or one that is not fit to be logged."""
    given = headers.get(REQUEST_ID_HEADER.encode(), b"").decode("latin-1")
    return given if _REQUEST_ID.fullmatch(given) else None


def _given(query: bytes) -> dict[str, str]:
    try:
        values = parse_qs(query.decode("latin-1"), keep_blank_values=True, max_num_fields=100)
    except ValueError as error:
        raise failed(INVALID_REQUEST, "the query has more than 100 fields") from error
    if repeated := [name for name in (TOP_K, TIMEOUT) if len(values.get(name, [])) > 1]:
        raise failed(INVALID_REQUEST, f"{repeated[0]} is given more than once")
    return {name: value[0] for name, value in values.items()}


def _top_k(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise failed(INVALID_REQUEST, f"{TOP_K} must be a whole number from 1 on, not {text[:40]!r}")
    return int(text)


def _seconds(text: str) -> float:
    seconds = float(text) if _NUMBER.fullmatch(text) else 0.0
    if not seconds > 0:
        raise failed(INVALID_REQUEST, f"{TIMEOUT} must be a number of seconds above 0, not {text[:40]!r}")
    return seconds
