"""The transports of one client, one a server, made when they are first needed."""

import asyncio
import threading
from collections.abc import Callable, Collection, Sequence
from typing import Generic, TypeAlias, TypeVar

from .. import forks
from ..config import Resilience
from ..endpoint import Endpoint
from ..errors import InvalidUseError, UnavailableError
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
        forks.register(self)

    def after_fork(self) -> None:
        """Forget the transports of the parent process; those that hold sockets see to these themselves."""
        self._lock = threading.Lock()
        self._transports, self._gone_since = {}, {}

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


class LoopConnections(Connections[AnyTransport]):
    """The transports of a client that works in one event loop at a time."""

    def __init__(self, connect: Callable[[Endpoint], AnyTransport]) -> None:
        super().__init__(connect)
        self._loop: asyncio.AbstractEventLoop | None = None

    def after_fork(self) -> None:
        """Forget the transports of the parent process, and the event loop that they belong to."""
        super().after_fork()
        self._loop = None

    def enter(self) -> None:
        """Use the running event loop; the transports of an earlier one that has been closed are forgotten.

        Raises:
            InvalidUseError: no event loop runs in this process, or the client is used in another that is still open.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise InvalidUseError(
                "no event loop runs here: a forked process cannot go on in the event loop of its parent; "
                "start one in the child with asyncio.run"
            ) from None
        if loop is self._loop:
            return
        with self._lock:
            if self._loop is not None and not self._loop.is_closed():
                raise InvalidUseError(
                    "this AsyncClient is used in another event loop, which is still open; "
                    "make one AsyncClient for each event loop, or close that loop first"
                )
            self._transports, self._gone_since = {}, {}
            self._loop = loop


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
