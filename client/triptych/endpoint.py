"""A server's URL, read and checked."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from .errors import InvalidUrlError

_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.%\w]+\]|[\w.-]+)(:\d*)?")
_CREDENTIALS = re.compile(r"//[^/]*@")  # never repeated in a message
_DEFAULT_PORTS = {"grpc": 8001, "grpcs": 8001, "http": 8000, "https": 443}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server listens, and how it is spoken to."""

    scheme: str  # grpc, grpcs, http, https
    host: str
    port: int
    path: str = ""  # prefix before /v2, HTTP only

    @classmethod
    def from_url(cls, url: str) -> "Endpoint":
        """Read `grpc://HOST[:8001]`, `grpcs://…`, `http://HOST[:8000][/PREFIX]` or `https://HOST[:443][/PREFIX]`.

        Raises:
            InvalidUrlError: anything else.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise _invalid(url, str(error)) from error
        if parts.scheme not in _DEFAULT_PORTS:
            raise _invalid(url, "the scheme must be grpc, grpcs, http or https")
        if not parts.hostname:
            raise _invalid(url, "the host is missing")
        if port == 0:
            raise _invalid(url, "port 0 is no port")
        path = parts.path.rstrip("/")
        if "@" in parts.netloc or parts.query or parts.fragment or (path and parts.scheme.startswith("grpc")):
            raise _invalid(url, "only scheme, host and port belong into it")
        if not _HOST_AND_PORT.fullmatch(parts.netloc):
            raise _invalid(url, "the host cannot be read")
        return cls(parts.scheme, parts.hostname, _DEFAULT_PORTS[parts.scheme] if port is None else port, path)

    @property
    def authority(self) -> str:
        """`host:port`, an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


def _invalid(url: str, reason: str) -> InvalidUrlError:
    shown = _CREDENTIALS.sub("//***@", url)
    return InvalidUrlError(f"URL {shown!r}: {reason}; write for example grpc://localhost:8001")
