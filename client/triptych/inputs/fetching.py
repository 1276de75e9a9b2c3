"""Which URLs of images are fetched, and from where. Pure.

Whoever can choose a URL makes this machine send a request, from inside its network. So it is done only where a client
is told to, and then only from addresses that the whole internet can reach, unless it is told that, too.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from ..errors import ImageError

_URL = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_PORTS: Final = {"http": 80, "https": 443}
_KEPT = "/:;,!$&'()*+=@~%?"  # of a path with its query: all else is percent-encoded
_UNICAST = IPv6Network("2000::/3")  # all that is given out of IPv6
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last 32 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """How images are fetched from `http://` and `https://`, by the machine that the client runs on.

    timeout_s: of one URL with all its redirects; never more than half of what is left of the call's time
    redirects: that are followed; from https only to https
    private:   whether to fetch from addresses of private networks, this machine, or its neighbours, too. Leave it off
               where somebody else chooses the URLs: they would see what only this machine may.

    No proxy is asked, no cookie, key or token is sent, and a certificate is checked against the system's authorities.

    Raises:
        ValueError: a number is out of range.
    """

    timeout_s: float = 5.0
    redirects: int = 3
    private: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.timeout_s < float("inf"):
            raise ValueError(f"timeout_s must be a positive number of seconds, not {self.timeout_s}")
        if self.redirects < 0:
            raise ValueError(f"redirects must be 0 or more, not {self.redirects}")


@dataclass(frozen=True, slots=True)
class Location:
    """An `http` or `https` URL, read and checked."""

    scheme: str
    host: str
    port: int
    target: str  # path and query, as they are sent

    @classmethod
    def from_url(cls, url: str) -> "Location":
        """Read it.

        Raises:
            ImageError: `url_refused`: it is of another scheme, has no host, or a user's name or password.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
            host = (parts.hostname or "").encode("idna").decode("ascii")
        except ValueError as error:
            raise refused(url, f"the URL cannot be read: {error}") from error
        if parts.scheme not in _PORTS:
            raise refused(url, "only http and https URLs are fetched")
        if not host:
            raise refused(url, "the URL has no host")
        if "@" in parts.netloc:
            raise refused(url, "a URL with a name or a password in it is not fetched")
        query = f"?{parts.query}" if parts.query else ""
        return cls(parts.scheme, host, port or _PORTS[parts.scheme], quote((parts.path or "/") + query, safe=_KEPT))

    @property
    def secure(self) -> bool:
        """Whether it is fetched through TLS."""
        return self.scheme == "https"

    @property
    def host_header(self) -> str:
        """What HTTP's `Host` says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def redirected(self, to: str, *, source: str) -> "Location":
        """Where an answer's `Location` leads.

        Raises:
            ImageError: `url_refused`: nowhere, or from https to http.
        """
        there = Location.from_url(urljoin(f"{self.scheme}://{self.host_header}{self.target}", to))
        if self.secure and not there.secure:
            raise ImageError("url_refused", "it redirects from https to http", source=source)
        return there


def is_url(text: str) -> bool:
    """Whether it is a URL of whatever scheme, and not a path."""
    return _URL.match(text) is not None


def shown(url: str) -> str:
    """The URL as messages show it: without user and password, and without the query, which may be a key, too."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"{url.partition('://')[0]}://…"
    hidden = "?…" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{hidden}"


def refused(url: str, why: str) -> ImageError:
    """Why a URL is not fetched."""
    return ImageError("url_refused", why, source=shown(url))


def is_public(address: str) -> bool:
    """Whether the whole internet can reach an address; what is no address at all is not public.

    Of an IPv6 address that stands for an IPv4 one, both must be.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if not found.is_global or found.is_multicast:
        return False
    if not isinstance(found, IPv6Address):
        return True
    if found in _NAT64:
        return is_public(str(ip_address(int(found) & 0xFFFFFFFF)))  # 32 bits: IPv4
    inner = [found.sixtofour, *(found.teredo or ())]
    return found in _UNICAST and all(each is None or is_public(str(each)) for each in inner)
