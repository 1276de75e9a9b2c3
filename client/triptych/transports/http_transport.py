"""HTTP transport of the synchronous client: connections, kept open between requests."""

import socket
import time
from collections import deque
from collections.abc import Mapping, Sequence

from .. import contract
from ..config import Keepalive, Resilience
from ..endpoint import Endpoint
from ..resilience.resolving import lookup_within
from . import http1, http_codec, http_errors, tls_errors
from .access import NO_ACCESS, Access, advised
from .headers import NO_HEADERS
from .http1 import Answer
from .http_connection import HttpConnection
from .http_errors import ClosedError, NotConnectedError
from .tcp import connected, keep_alive, left_s
from .tls import Material, WatchedTls
from .transport import InferRequest, InferResponse

_IDLE_AT_MOST = 64  # connections kept open by one client; more threads than that open and close their own


class HttpTransport:
    """Triton's HTTP service at one endpoint, over pooled connections. Redirects are not followed.

    tls: None for the system's authorities
    """

    def __init__(
        self,
        endpoint: Endpoint,
        policy: Resilience | None = None,
        *,
        access: Access = NO_ACCESS,
        tls: WatchedTls | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._access = access
        self._keepalive: Keepalive | None = (policy or Resilience()).keepalive
        self._model_path = f"{endpoint.path}/v2/models/{contract.MODEL_NAME}"
        self._tls = (tls or WatchedTls()) if endpoint.secure else None
        self._idle: deque[HttpConnection] = deque()
        self._closed = False

    def infer(self, request: InferRequest) -> InferResponse:
        """Ask `image_classifier`."""
        body, described = http_codec.encode(request)
        answer = self._exchange(
            "POST", "/infer", described=described, more=request.headers, body=body, timeout_s=request.timeout_s
        )
        return http_codec.decode(answer.body, answer.headers.get(http_codec.HEADER_LENGTH))

    def parameters(self, *, timeout_s: float) -> Mapping[str, str]:
        """`parameters` of the ensemble's configuration."""
        answer = self._exchange("GET", "/config", described={}, more=NO_HEADERS, body=(), timeout_s=timeout_s)
        return http_codec.parameters(answer.body)

    def close(self) -> None:
        """Close the connections that nobody uses, and the others when they are done; a second call does nothing."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _exchange(
        self,
        method: str,
        path: str,
        *,
        described: Mapping[str, str],
        more: Mapping[str, str],
        body: Sequence[bytes],
        timeout_s: float,
    ) -> Answer:
        deadline = time.monotonic() + timeout_s
        sent = self._access.headers_with(more)
        host = self._endpoint.host_header
        data = http1.request(method, self._model_path + path, host=host, headers={**described, **sent}, body=body)
        try:
            found = self._once(self._kept(), data, deadline) or self._once(self._connect(deadline), data, deadline)
            answer = http1.required(found)
        except Exception:
            shows_certificate = self._tls is not None and self._tls.shows_certificate
            with (
                http_errors.translated(self._endpoint, timeout_s=timeout_s),
                tls_errors.explained(self._endpoint, shows_certificate=shows_certificate),
            ):
                raise
        if answer.status != 200:
            with advised(sent):
                http_errors.check(answer, self._endpoint)
        return answer

    def _once(self, connection: HttpConnection | None, data: bytes, deadline: float) -> Answer | None:
        """The answer; None where there is no connection, or it broke before a byte of the answer came.

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
        if answer.reusable and not self._closed and len(self._idle) < _IDLE_AT_MOST:
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    def _kept(self) -> HttpConnection | None:
        """A connection of an earlier request that the server has not closed."""
        if self._closed:
            raise ClosedError
        material = self._material()
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if connection.material is material and not connection.is_readable:
                return connection
            connection.close()

    def _material(self) -> Material | None:
        return self._tls.current() if self._tls else None

    def _connect(self, deadline: float) -> HttpConnection:
        addresses = lookup_within(self._endpoint.host, self._endpoint.port, timeout_s=left_s(deadline))
        try:
            connection = connected(addresses, deadline)
        except TimeoutError:
            raise
        except OSError as error:
            raise NotConnectedError(str(error.strerror or error)) from error
        return self._secured(connection, deadline)

    def _secured(self, connection: socket.socket, deadline: float) -> HttpConnection:
        keep_alive(connection, self._keepalive)
        material = self._material()
        if material is None:
            return HttpConnection(connection, None)
        try:
            connection.settimeout(left_s(deadline))
            secured = material.context.wrap_socket(connection, server_hostname=self._endpoint.certificate_name)
        except BaseException:
            connection.close()
            raise
        return HttpConnection(secured, material)
