"""What both HTTP transports have in common: how a request is put, where connections wait for the next one. No I/O."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, Generic, Protocol, TypeVar
from weakref import WeakSet

from .. import contract, forks
from . import http1, http_codec, http_errors, tls_errors
from .access import advised
from .http1 import Answer
from .peer import Peer
from .tls import Material
from .transport import InferRequest, InferResponse

_IDLE_AT_MOST: Final = 64  # connections kept open by one client; more at once than that open and close their own


class PooledConnection(Protocol):
    """A connection that takes one request after the other."""

    @property
    def material(self) -> Material | None:
        """What its TLS was set up with; None without TLS."""

    def close(self) -> None:
        """Close it; a second call does nothing."""

    def disconnect(self) -> None:
        """Leave it to the parent process, of which this one is a fork."""


Connection = TypeVar("Connection", bound=PooledConnection)
Result = TypeVar("Result")


class HttpPeer(Peer, Generic[Connection]):
    """Triton's HTTP service at one endpoint, and the connections to it that wait for a request."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._model_path = f"{self.endpoint.path}/v2/models/{contract.MODEL_NAME}"
        self._idle: deque[Connection] = deque()
        self._open: WeakSet[Connection] = WeakSet()  # also those that are in use
        self._closed = False
        forks.register(self)

    def after_fork(self) -> None:
        """Forget the connections of the parent process, where they stay as they are."""
        for connection in [*self._open]:
            connection.disconnect()
        self._idle, self._open = deque(), WeakSet()

    def _opened(self, connection: Connection) -> Connection:
        """Take note of a new connection."""
        self._open.add(connection)
        return connection

    def _reader(self, request: InferRequest) -> Callable[[Answer], InferResponse]:
        """What reads the answer to this request, and refuses the answer to another one."""

        def read(answer: Answer) -> InferResponse:
            response = http_codec.decode(answer.body, answer.headers.get(http_codec.HEADER_LENGTH))
            request.check_answered_by(response.request_id)
            return response

        return read

    def _read_parameters(self, answer: Answer) -> Mapping[str, str]:
        """Read the answer to a request for the configuration."""
        return http_codec.parameters(answer.body)

    def _finished(
        self, connection: Connection, answer: Answer, sent: Mapping[str, str], read: Callable[[Answer], Result]
    ) -> Result:
        """What `read` makes of an answer of status 200; keeps the connection for the next request unless it raises.

        Raises:
            TriptychError: the status is not 200, or `read` raised it.
        """
        if answer.status != 200:
            self._give_back(connection, answer)
        checked = self._checked(answer, sent)
        try:
            result = read(checked)
        except BaseException:
            connection.close()  # an answer to another request may be followed by more of them
            raise
        self._give_back(connection, answer)
        return result

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
