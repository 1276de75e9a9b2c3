"""HTTP transport of the synchronous client: sockets, kept open between requests."""

import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Mapping

from . import contract, http1, http_codec, http_errors
from .config import Keepalive, Resilience
from .endpoint import Endpoint
from .http1 import Answer, AnswerReader
from .http_errors import ClosedError, NotConnectedError
from .resolving import lookup_within
from .tcp import keep_alive
from .transport import InferRequest, InferResponse

_CHUNK_BYTES = 1 << 16
_IDLE_AT_MOST = 64  # connections kept open by one client; more threads than that open and close their own


class _UnansweredError(Exception):
    """A connection broke before a byte of the answer came; its cause says how."""


class HttpTransport:
    """Triton's HTTP service at one endpoint, over pooled connections. Redirects are not followed."""

    def __init__(self, endpoint: Endpoint, policy: Resilience | None = None) -> None:
        self._endpoint = endpoint
        self._keepalive: Keepalive | None = (policy or Resilience()).keepalive
        self._model_path = f"{endpoint.path}/v2/models/{contract.MODEL_NAME}"
        self._tls = ssl.create_default_context() if endpoint.secure else None
        self._idle: deque[socket.socket] = deque()
        self._closed = False

    def infer(self, request: InferRequest) -> InferResponse:
        """Ask `image_classifier`."""
        body, headers = http_codec.encode(request)
        answer = self._exchange("POST", "/infer", headers=headers, body=body, timeout_s=request.timeout_s)
        return http_codec.decode(answer.body, answer.headers.get(http_codec.HEADER_LENGTH))

    def parameters(self, *, timeout_s: float) -> Mapping[str, str]:
        """`parameters` of the ensemble's configuration."""
        return http_codec.parameters(self._exchange("GET", "/config", headers={}, body=b"", timeout_s=timeout_s).body)

    def close(self) -> None:
        """Close the connections that nobody uses, and the others when they are done; a second call does nothing."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _exchange(self, method: str, path: str, *, headers: Mapping[str, str], body: bytes, timeout_s: float) -> Answer:
        deadline = time.monotonic() + timeout_s
        host = self._endpoint.host_header
        data = http1.request(method, self._model_path + path, host=host, headers=headers, body=body)
        with http_errors.translated(self._endpoint, timeout_s=timeout_s):
            answer = self._once(self._kept(), data, deadline) or self._once(self._connect(deadline), data, deadline)
            if answer is None:
                raise http1.EndedEarlyError("the server closed the connection without an answer")
        http_errors.check(answer, self._endpoint)
        return answer

    def _once(self, connection: socket.socket | None, data: bytes, deadline: float) -> Answer | None:
        """The answer; None where there is no connection, or it broke before a byte of the answer came.

        A server closes a connection that was idle for long at any moment, so also while a request is on its way.
        """
        if connection is None:
            return None
        try:
            answer = _ask(connection, data, deadline)
        except _UnansweredError:
            connection.close()
            return None
        except BaseException:
            connection.close()
            raise
        if answer.reusable and not self._closed and len(self._idle) < _IDLE_AT_MOST:
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    def _kept(self) -> socket.socket | None:
        """A connection of an earlier request that the server has not closed."""
        if self._closed:
            raise ClosedError
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if not _is_readable(connection):
                return connection
            connection.close()

    def _connect(self, deadline: float) -> socket.socket:
        addresses = lookup_within(self._endpoint.host, self._endpoint.port, timeout_s=_left_s(deadline))
        failure: OSError | None = None
        for tried, address in enumerate(addresses):
            try:
                connection = socket.create_connection(address, _left_s(deadline) / (len(addresses) - tried))
            except OSError as error:
                failure = error
                continue
            return self._secured(connection, deadline)
        if isinstance(failure, TimeoutError):
            raise failure
        raise NotConnectedError(str(getattr(failure, "strerror", None) or failure)) from failure

    def _secured(self, connection: socket.socket, deadline: float) -> socket.socket:
        keep_alive(connection, self._keepalive)
        if self._tls is None:
            return connection
        try:
            connection.settimeout(_left_s(deadline))
            return self._tls.wrap_socket(connection, server_hostname=self._endpoint.certificate_name)
        except BaseException:
            connection.close()
            raise


def _ask(connection: socket.socket, data: bytes, deadline: float) -> Answer:
    """Send a request and read its answer, each wait as long as the deadline lets it.

    Raises:
        _UnansweredError: the connection broke before a byte of the answer came.
        OSError, NotHttpError: it failed otherwise.
    """
    reader = AnswerReader()
    try:
        try:
            connection.settimeout(_left_s(deadline))
            connection.sendall(data)
        except (ConnectionError, ssl.SSLEOFError):
            connection.settimeout(_left_s(deadline))  # a server that refuses a request early has said why
        while True:
            answer = reader.feed(connection.recv(_CHUNK_BYTES))
            if answer is not None:
                return answer
            connection.settimeout(_left_s(deadline))
    except (ConnectionError, ssl.SSLEOFError) as error:
        if reader.begun:
            raise
        raise _UnansweredError from error


def _left_s(deadline: float) -> float:
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("the deadline is over")
    return left_s


def _is_readable(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))
