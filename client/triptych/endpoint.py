"""A server's URL, read and checked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from .errors import InvalidUrlError

_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.%\w]+\]|[\w.-]+)(:\d*)?")
_CREDENTIALS = re.compile(r"//[^/]*@")  # never repeated in a message
_RESOLVED = re.compile(r"dns(?:\+(\w+))?:///", re.IGNORECASE)
DEFAULT_PORTS: Final = {"grpc": 8001, "grpcs": 8001, "http": 8000, "https": 443}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server listens, and how it is spoken to.

    name:     what its certificate must name, where that is not `host`
    resolved: `host` is a name that stands for all of its addresses, a server each
    """

    scheme: str  # grpc, grpcs, http, https
    host: str
    port: int
    path: str = ""  # prefix before /v2, HTTP only
    name: str = ""
    resolved: bool = False

    @classmethod
    def from_url(cls, url: str) -> "Endpoint":
        """Read `grpc://HOST[:8001]`, `grpcs://…`, `http://HOST[:8000][/PREFIX]` or `https://HOST[:443][/PREFIX]`.

        `dns:///NAME[:8001]` is gRPC to every address of the name; `dns+SCHEME:///…` the same for another scheme.

        Raises:
            InvalidUrlError: anything else.
        """
        prefix = _RESOLVED.match(url)
        plain = f"{prefix[1] or 'grpc'}://{url[prefix.end() :]}" if prefix else url
        try:
            parts = urlsplit(plain)
            port = parts.port
        except ValueError as error:
            raise _invalid(url, str(error)) from error
        if parts.scheme not in DEFAULT_PORTS:
            raise _invalid(url, "the scheme must be grpc, grpcs, http or https, or dns with three slashes")
        if not parts.hostname:
            raise _invalid(url, "the host is missing")
        if port == 0:
            raise _invalid(url, "port 0 is no port")
        path = parts.path.rstrip("/")
        if "@" in parts.netloc or parts.query or parts.fragment or (path and parts.scheme.startswith("grpc")):
            raise _invalid(url, "only scheme, host and port belong into it")
        if not _HOST_AND_PORT.fullmatch(parts.netloc):
            raise _invalid(url, "the host cannot be read")
        number = DEFAULT_PORTS[parts.scheme] if port is None else port
        return cls(parts.scheme, parts.hostname, number, path, resolved=prefix is not None)

    @classmethod
    def from_urls(cls, urls: str | Sequence[str]) -> "tuple[Endpoint, ...]":
        """One URL or several, each once.

        Raises:
            InvalidUrlError: one cannot be read.
            ValueError: there is none.
        """
        several = [urls] if isinstance(urls, str) else urls
        if not several:
            raise ValueError("url must be a URL or several, not none")
        return tuple(dict.fromkeys(map(cls.from_url, several)))

    @property
    def is_grpc(self) -> bool:
        """Whether it speaks gRPC, else HTTP."""
        return self.scheme.startswith("grpc")

    @property
    def authority(self) -> str:
        """`host:port`, an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def host_header(self) -> str:
        """What HTTP's `Host` says."""
        return replace(self, host=self.name).authority if self.name else self.authority

    @property
    def secure(self) -> bool:
        """Whether it is spoken to through TLS."""
        return self.scheme.endswith("s")

    @property
    def certificate_name(self) -> str:
        """What its certificate must name."""
        return self.name or self.host

    def at(self, address: str) -> "Endpoint":
        """One server of a name that is resolved."""
        return replace(self, host=address, name=self.host, resolved=False)

    def __str__(self) -> str:
        if self.resolved:
            scheme = "dns" if self.scheme == "grpc" else f"dns+{self.scheme}"
            return f"{scheme}:///{self.authority}{self.path}"
        return f"{self.scheme}://{self.authority}{self.path}"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine and no other can be meant."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _invalid(url: str, reason: str) -> InvalidUrlError:
    shown = _CREDENTIALS.sub("//***@", url)
    return InvalidUrlError(f"URL {shown!r}: {reason}; write for example grpc://localhost:8001")
