"""The transports of one client, one a server, made when they are first needed."""

import threading
from collections.abc import Callable, Collection
from typing import Generic, TypeVar

from ..endpoint import Endpoint
from ..errors import UnavailableError

AnyTransport = TypeVar("AnyTransport")

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
