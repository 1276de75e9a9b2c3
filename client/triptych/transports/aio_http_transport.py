"""HTTP transport of the asynchronous client: asyncio's streams, kept open between requests."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import http1, http_codec
from .headers import NO_HEADERS
from .http1 import Answer, AnswerReader, UnansweredError
from .http_errors import ClosedError, NotConnectedError
from .http_peer import HttpPeer
from .tcp import keep_alive
from .tls import Material
from .transport import InferRequest, InferResponse

_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    material: Material | None

    def close(self) -> None:
        self.writer.transport.abort()  # without waiting for anybody


class AioHttpTransport(HttpPeer[_Connection]):
    """Triton's HTTP service at one endpoint, over pooled connections. Redirects are not followed."""

    async def infer(self, request: InferRequest) -> InferResponse:
        """Ask `image_classifier`."""
        body, described = http_codec.encode(request)
        answer = await self._exchange(
            "POST", "/infer", described=described, more=request.headers, body=body, timeout_s=request.timeout_s
        )
        return http_codec.decode(answer.body, answer.headers.get(http_codec.HEADER_LENGTH))

    async def parameters(self, *, timeout_s: float) -> Mapping[str, str]:
        """`parameters` of the ensemble's configuration."""
        answer = await self._exchange("GET", "/config", described={}, more=NO_HEADERS, body=(), timeout_s=timeout_s)
        return http_codec.parameters(answer.body)

    async def close(self) -> None:
        """Close the connections that nobody uses, and the others when they are done; a second call does nothing."""
        self._close_idle()
        await asyncio.sleep(0)  # the loop closes their sockets

    async def _exchange(
        self,
        method: str,
        path: str,
        *,
        described: Mapping[str, str],
        more: Mapping[str, str],
        body: Sequence[bytes],
        timeout_s: float,
    ) -> Answer:
        try:
            async with asyncio.timeout(timeout_s):
                sent = await self.access.async_headers_with(more)
                data = self._request(method, path, headers={**described, **sent}, body=body)
                found = await self._once(self._kept(), data) or await self._once(await self._connect(), data)
            answer = http1.required(found)
        except Exception:
            with self._explained(timeout_s=timeout_s):
                raise
        return self._checked(answer, sent)

    async def _once(self, connection: _Connection | None, data: bytes) -> Answer | None:
        """The answer; None where there is no connection, or it broke before a byte of the answer came."""
        if connection is None:
            return None
        try:
            answer = await _ask(connection, data)
        except UnansweredError:
            connection.close()
            return None
        except BaseException:
            connection.close()
            raise
        self._give_back(connection, answer)
        return answer

    def _kept(self) -> _Connection | None:
        if self._closed:
            raise ClosedError
        material = self.material()
        while self._idle:
            connection = self._idle.pop()
            if connection.material is material and not (connection.reader.at_eof() or connection.writer.is_closing()):
                return connection
            connection.close()
        return None

    async def _connect(self) -> _Connection:
        material = self.material()
        context, name = (material.context, self.endpoint.certificate_name) if material else (None, None)
        try:
            reader, writer = await asyncio.open_connection(
                self.endpoint.host, self.endpoint.port, ssl=context, server_hostname=name
            )
        except (ssl.SSLError, TimeoutError):
            raise
        except OSError as error:
            raise NotConnectedError(str(error.strerror or error)) from error
        keep_alive(writer.get_extra_info("socket"), self.policy.keepalive)
        return _Connection(reader, writer, material)


async def _ask(connection: _Connection, data: bytes) -> Answer:
    """Send a request and read its answer.

    Raises:
        UnansweredError: the connection broke before a byte of the answer came.
        OSError, NotHttpError: it failed otherwise.
    """
    reader = AnswerReader()
    try:
        connection.writer.write(data)  # and not waited for: a server that refuses a request early says why
        while True:
            answer = reader.feed(await connection.reader.read(_CHUNK_BYTES))
            if answer is not None:
                return answer
    except (ConnectionError, ssl.SSLEOFError) as error:
        if reader.begun:
            raise
        raise UnansweredError from error
