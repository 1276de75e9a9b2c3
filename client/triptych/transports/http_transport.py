"""HTTP transport of the synchronous client: connections, kept open between requests."""

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from ..resilience.resolving import lookup_within
from . import http1, http_codec
from .headers import NO_HEADERS
from .http1 import Answer
from .http_connection import HttpConnection
from .http_errors import ClosedError, NotConnectedError
from .http_peer import HttpPeer
from .tcp import connected, keep_alive, left_s
from .transport import InferRequest, InferResponse

Result = TypeVar("Result")


class HttpTransport(HttpPeer[HttpConnection]):
    """Triton's HTTP service at one endpoint, over pooled connections. Redirects are not followed."""

    def infer(self, request: InferRequest) -> InferResponse:
        """Ask `image_classifier`."""
        body, described = http_codec.encode(request)
        return self._exchange(
            "POST",
            "/infer",
            described=described,
            more=request.headers,
            body=body,
            timeout_s=request.timeout_s,
            read=self._reader(request),
        )

    def parameters(self, *, timeout_s: float) -> Mapping[str, str]:
        """`parameters` of the ensemble's configuration."""
        return self._exchange(
            "GET", "/config", described={}, more=NO_HEADERS, body=(), timeout_s=timeout_s, read=self._read_parameters
        )

    def close(self) -> None:
        """Close the connections that nobody uses, and the others when they are done; a second call does nothing."""
        self._close_idle()

    def _exchange(
        self,
        method: str,
        path: str,
        *,
        described: Mapping[str, str],
        more: Mapping[str, str],
        body: Sequence[bytes],
        timeout_s: float,
        read: Callable[[Answer], Result],
    ) -> Result:
        """What `read` makes of the answer; where it raises, the connection takes no other request.

        Raises:
            TriptychError: there is no answer, or its status is not 200, or `read` raised it.
        """
        deadline = time.monotonic() + timeout_s
        sent = self.access.headers_with(more)
        data = self._request(method, path, headers={**described, **sent}, body=body)
        try:
            found = self._once(self._kept(), data, deadline) or self._once(self._connect(deadline), data, deadline)
            connection, answer = http1.required(found)
        except Exception:
            with self._explained(timeout_s=timeout_s):
                raise
        return self._finished(connection, answer, sent, read)

    def _once(
        self, connection: HttpConnection | None, data: bytes, deadline: float
    ) -> tuple[HttpConnection, Answer] | None:
        """The answer and its connection; None where there is none, or it broke before a byte of the answer came.

        A server closes a connection that was idle for long at any moment, so also while a request is on its way.
        """
        if connection is None:
            return None
        try:
            answer = connection.ask(data, deadline)
        except http1.UnansweredError:
            connection.close()
            return None
        except BaseException:
            connection.close()
            raise
        return connection, answer

    def _kept(self) -> HttpConnection | None:
        """A connection of an earlier request that the server has not closed."""
        if self._closed:
            raise ClosedError
        material = self.material()
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if connection.material is material and not connection.is_readable:
                return connection
            connection.close()

    def _connect(self, deadline: float) -> HttpConnection:
        addresses = lookup_within(self.endpoint.host, self.endpoint.port, timeout_s=left_s(deadline))
        try:
            connection = connected(addresses, deadline)
        except TimeoutError:
            raise
        except OSError as error:
            raise NotConnectedError(str(error.strerror or error)) from error
        return self._secured(connection, deadline)

    def _secured(self, connection: socket.socket, deadline: float) -> HttpConnection:
        keep_alive(connection, self.policy.keepalive)
        material = self.material()
        if material is None:
            return self._opened(HttpConnection(connection, None))
        try:
            connection.settimeout(left_s(deadline))
            secured = material.context.wrap_socket(connection, server_hostname=self.endpoint.certificate_name)
        except BaseException:
            connection.close()
            raise
        return self._opened(HttpConnection(secured, material))
