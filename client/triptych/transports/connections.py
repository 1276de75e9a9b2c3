"""The transports of one client, one a server, made when they are first needed."""

import threading
from collections.abc import Callable, Collection, Sequence
from typing import Generic, TypeAlias, TypeVar

from ..config import Resilience
from ..endpoint import Endpoint
from ..errors import UnavailableError
from .access import Access
from .tls import WatchedTls

AnyTransport = TypeVar("AnyTransport")

Loaded: TypeAlias = Callable[[], Callable[..., AnyTransport]]
"""Imports a kind of transport."""

_LINGER_S = 60.0
"""How long the transport of a server that is none any more is kept, for the calls under way."""


class Connections(Generic[AnyTransport]):
    """endpoint -> transport. Thread-safe."""

    def __init__(self, connect: Callable[[Endpoint], AnyTransport]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._transports: dict[Endpoint, AnyTransport] = {}
        self._gone_since: dict[Endpoint, float] = {}
        self._closed = False

    def check_open(self) -> None:
        """Do nothing before `close`.

        Raises:
            UnavailableError: it was called.
        """
        if self._closed:
            raise UnavailableError("this client was closed; make another")

    def to(self, endpoint: Endpoint) -> AnyTransport:
        """The transport to one server.

        Raises:
            UnavailableError: `close` was called.
        """
        transport = self._transports.get(endpoint)
        if transport is not None:
            return transport
        with self._lock:
            self.check_open()
            if endpoint not in self._transports:
                self._transports[endpoint] = self._connect(endpoint)
            return self._transports[endpoint]

    def outlived(self, endpoints: Collection[Endpoint], now: float) -> list[AnyTransport]:
        """Drop the transports to what has been none of these servers for a while; the caller closes them."""
        with self._lock:
            known = set(endpoints)
            self._gone_since = {
                endpoint: self._gone_since.get(endpoint, now) for endpoint in self._transports if endpoint not in known
            }
            old = [endpoint for endpoint, since in self._gone_since.items() if now - since > _LINGER_S]
            return [self._transports.pop(endpoint) for endpoint in old]

    def close(self) -> list[AnyTransport]:
        """Make no more; the caller closes those that there are."""
        with self._lock:
            self._closed = True
            return list(self._transports.values())


def connector(
    endpoints: Sequence[Endpoint],
    policy: Resilience,
    access: Access,
    *,
    grpc: Loaded[AnyTransport],
    http: Loaded[AnyTransport],
) -> Callable[[Endpoint], AnyTransport]:
    """What connects to these. A client of one protocol does not pay for the other, nor `import triptych` for both."""
    kinds = {is_grpc: (grpc if is_grpc else http)() for is_grpc in {endpoint.is_grpc for endpoint in endpoints}}
    tls = WatchedTls(access.tls) if any(endpoint.secure for endpoint in endpoints) else None
    return lambda endpoint: kinds[endpoint.is_grpc](endpoint, policy, access=access, tls=tls)
