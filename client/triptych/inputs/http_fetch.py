"""Fetches an image from a URL, every wait bounded by one deadline."""

import socket
import ssl
import time
from collections.abc import Callable, Sequence

from .. import contract, image_formats
from ..errors import ImageError
from ..resilience.resolving import lookup_within
from ..transports import http1
from ..transports.http1 import Answer, AnswerReader
from ..transports.tcp import connected, left_s
from ..transports.wording import printable
from .fetching import Fetching, Location, is_public, shown
from .images import too_large

_CHUNK_BYTES = 1 << 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {
    "Accept": f"{', '.join(image_formats.MIME_TYPES)}, image/*;q=0.5",
    "Accept-Encoding": "identity",
    "Connection": "close",
    "User-Agent": "triptych",
}


def fetch(
    url: str,
    policy: Fetching,
    *,
    timeout_s: float,
    max_bytes: int = contract.MAX_IMAGE_BYTES,
    lookup: Callable[..., Sequence[tuple[str, int]]] = lookup_within,
) -> bytes:
    """The body that the URL, or what it redirects to, answers with; at most `max_bytes`.

    lookup: as `resolving.lookup_within`

    Raises:
        ImageError: `url_refused`: it may not be fetched; `fetch_failed`: it cannot be, or not within `timeout_s` and
            the policy's own; `image_too_large`.
    """
    source = shown(url)
    limit_s = min(timeout_s, policy.timeout_s)
    deadline = time.monotonic() + limit_s
    location = Location.from_url(url)
    try:
        for _ in range(policy.redirects + 1):
            answer = _get(location, policy, deadline, source=source, max_bytes=max_bytes, lookup=lookup)
            target = answer.headers.get("Location")
            if answer.status not in _REDIRECTS or target is None:
                return _body(answer, source=source, max_bytes=max_bytes)
            location = location.redirected(target, source=source)
    except TimeoutError as error:
        raise ImageError("fetch_failed", f"it did not answer within {limit_s:.3g} s", source=source) from error
    except (OSError, http1.NotHttpError) as error:  # TLS and names that cannot be resolved among them
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ImageError("fetch_failed", f"it cannot be fetched: {reason}", source=source) from error
    raise ImageError("url_refused", f"it redirects more than {policy.redirects} times", source=source)


def _get(
    location: Location,
    policy: Fetching,
    deadline: float,
    *,
    source: str,
    max_bytes: int,
    lookup: Callable[..., Sequence[tuple[str, int]]],
) -> Answer:
    addresses = lookup(location.host, location.port, timeout_s=left_s(deadline))
    # What was checked is what is connected to: a name may stand for another address a moment later.
    allowed = [address for address in addresses if policy.private or is_public(address[0])]
    if not allowed:
        message = f"{location.host} is an address of this machine or of a private network, which fetching leaves alone"
        raise ImageError("url_refused", message, source=source)
    with connected(allowed, deadline) as plain, _secured(plain, location, deadline) as connection:
        headers = http1.request("GET", location.target, host=location.host_header, headers=_HEADERS)
        connection.settimeout(left_s(deadline))
        connection.sendall(headers)
        reader, received = AnswerReader(max_body_bytes=max(http1.MAX_BODY_BYTES, max_bytes)), 0
        while True:
            connection.settimeout(left_s(deadline))
            data = connection.recv(_CHUNK_BYTES)
            received += len(data)
            if received > max_bytes + http1.MAX_HEAD_BYTES:
                raise too_large(max_bytes, source=source)
            answer = reader.feed(data)
            if answer is not None:
                return answer


def _body(answer: Answer, *, source: str, max_bytes: int) -> bytes:
    if answer.status != 200:
        raise ImageError("fetch_failed", f"HTTP {answer.status} {printable(answer.reason[:80])}".strip(), source=source)
    if len(answer.body) > max_bytes:
        raise too_large(max_bytes, source=source)
    return answer.body


def _secured(connection: socket.socket, location: Location, deadline: float) -> socket.socket:
    if not location.secure:
        return connection
    connection.settimeout(left_s(deadline))
    return ssl.create_default_context().wrap_socket(connection, server_hostname=location.host)
