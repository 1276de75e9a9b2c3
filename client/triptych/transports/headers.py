"""Headers that a caller adds to requests: over gRPC, metadata. Pure."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})

SECRET: Final = frozenset({"authorization", "cookie", "x-api-key"})
"""Whoever reads one of them can ask in the caller's name."""

_NAME = re.compile(r"[a-z0-9][a-z0-9!#$&'*+.^_`|~-]*", re.ASCII)
_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?", re.ASCII)  # what both HTTP and gRPC carry
_RESERVED = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "inference-header-content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
_RESERVED_FORMS = re.compile(r"grpc-.*|.*-bin")


def checked(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The same, names in lower case. No message repeats a value.

    Raises:
        ValueError: HTTP and gRPC do not carry a name or a value alike, or a name is the protocol's own or twice there.
    """
    found: dict[str, str] = {}
    for name, value in headers.items():
        lower = name.lower()
        if not _NAME.fullmatch(lower):
            raise ValueError(f"{name!r} is no name of a header")
        if lower in _RESERVED or _RESERVED_FORMS.fullmatch(lower):
            raise ValueError(f"the header {lower} is the protocol's own; leave it out")
        if not _VALUE.fullmatch(value):
            raise ValueError(f"the value of the header {lower} must be visible ASCII, with spaces only inside")
        if lower in found:
            raise ValueError(f"the header {lower} is given twice")
        found[lower] = value
    return MappingProxyType(found)
