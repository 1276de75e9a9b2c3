"""What both HTTP transports have in common: how a request is put, where connections wait for the next one. No I/O."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, Generic, Protocol, TypeVar

from .. import contract
from . import http1, http_errors, tls_errors
from .access import advised
from .http1 import Answer
from .peer import Peer
from .tls import Material

_IDLE_AT_MOST: Final = 64  # connections kept open by one client; more at once than that open and close their own


class PooledConnection(Protocol):
    """A connection that takes one request after the other."""

    @property
    def material(self) -> Material | None:
        """What its TLS was set up with; None without TLS."""

    def close(self) -> None:
        """Close it; a second call does nothing."""


Connection = TypeVar("Connection", bound=PooledConnection)


class HttpPeer(Peer, Generic[Connection]):
    """Triton's HTTP service at one endpoint, and the connections to it that wait for a request."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._model_path = f"{self.endpoint.path}/v2/models/{contract.MODEL_NAME}"
        self._idle: deque[Connection] = deque()
        self._closed = False

    def _request(self, method: str, path: str, *, headers: Mapping[str, str], body: Sequence[bytes]) -> bytes:
        """One request to the ensemble."""
        return http1.request(
            method, self._model_path + path, host=self.endpoint.host_header, headers=headers, body=body
        )

    def _give_back(self, connection: Connection, answer: Answer) -> None:
        """Keep a connection for the next request, where it takes one."""
        if answer.reusable and not self._closed and len(self._idle) < _IDLE_AT_MOST:
            self._idle.append(connection)
        else:
            connection.close()

    def _close_idle(self) -> None:
        """Close the connections that nobody uses, and keep no more."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _explained(self, *, timeout_s: float) -> Iterator[None]:
        """Raise a failure of the connection as what it means."""
        with (
            http_errors.translated(self.endpoint, timeout_s=timeout_s),
            tls_errors.explained(self.endpoint, shows_certificate=self.shows_certificate),
        ):
            yield

    def _checked(self, answer: Answer, sent: Mapping[str, str]) -> Answer:
        """The answer to a request with these headers of the caller's.

        Raises:
            TriptychError: its status is not 200.
        """
        if answer.status != 200:
            with advised(sent):
                http_errors.check(answer, self.endpoint)
        return answer
