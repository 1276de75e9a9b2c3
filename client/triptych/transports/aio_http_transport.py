"""HTTP transport of the asynchronous client: asyncio's streams, kept open between requests."""

import asyncio
import ssl
from asyncio.trsock import TransportSocket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from ..forks import disconnect
from . import http1, http_codec
from .headers import NO_HEADERS
from .http1 import Answer, AnswerReader, UnansweredError
from .http_errors import ClosedError, NotConnectedError
from .http_peer import HttpPeer
from .tcp import keep_alive, reason
from .tls import Material
from .transport import InferRequest, InferResponse

Result = TypeVar("Result")

_CHUNK_BYTES = 1 << 14  # at once, of an answer: the clock is looked at before each


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    material: Material | None
    loop: asyncio.AbstractEventLoop

    def close(self) -> None:
        self.writer.transport.abort()  # without waiting for anybody

    def disconnect(self) -> None:
        """Leave the connection to the parent process, without a word to its event loop: the two share its selector."""
        connection = self.writer.get_extra_info("socket")
        # Of a connection that its loop has closed, uvloop goes on to tell a number that is another file's by now.
        if isinstance(connection, TransportSocket) or not self.loop.is_closed():
            with suppress(OSError, ValueError):
                disconnect(connection.fileno())


class AioHttpTransport(HttpPeer[_Connection]):
    """Triton's HTTP service at one endpoint, over pooled connections. Redirects are not followed."""

    async def infer(self, request: InferRequest) -> InferResponse:
        """Ask `image_classifier`."""
        body, described = http_codec.encode(request)
        return await self._exchange(
            "POST",
            "/infer",
            described=described,
            more=request.headers,
            body=body,
            timeout_s=request.timeout_s,
            read=self._reader(request),
        )

    async def parameters(self, *, timeout_s: float) -> Mapping[str, str]:
        """`parameters` of the ensemble's configuration."""
        return await self._exchange(
            "GET", "/config", described={}, more=NO_HEADERS, body=(), timeout_s=timeout_s, read=self._read_parameters
        )

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
        read: Callable[[Answer], Result],
    ) -> Result:
        """What `read` makes of the answer; where it raises, the connection takes no other request.

        Raises:
            TriptychError: there is no answer, or its status is not 200, or `read` raised it.
        """
        try:
            deadline = asyncio.get_running_loop().time() + timeout_s
            async with asyncio.timeout_at(deadline):
                sent = await self.access.async_headers_with(more)
                data = self._request(method, path, headers={**described, **sent}, body=body)
                found = await self._once(self._kept(), data, deadline)
                found = found or await self._once(await self._connect(), data, deadline)
            connection, answer = http1.required(found)
        except Exception:
            with self._explained(timeout_s=timeout_s):
                raise
        return self._finished(connection, answer, sent, read)

    async def _once(
        self, connection: _Connection | None, data: bytes, deadline: float
    ) -> tuple[_Connection, Answer] | None:
        """The answer and its connection; None where there is none, or it broke before a byte of the answer came."""
        if connection is None:
            return None
        try:
            answer = await _ask(connection, data, deadline)
        except UnansweredError:
            connection.close()
            return None
        except BaseException:
            connection.close()
            raise
        return connection, answer

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
            raise NotConnectedError(reason(error)) from error
        keep_alive(writer.get_extra_info("socket"), self.policy.keepalive)
        return self._opened(_Connection(reader, writer, material, asyncio.get_running_loop()))


async def _ask(connection: _Connection, data: bytes, deadline: float) -> Answer:
    """Send a request and read its answer, until the clock of the event loop says `deadline`.

    Raises:
        UnansweredError: the connection broke before a byte of the answer came.
        OSError, NotHttpError: it failed otherwise, or it took too long.
    """
    reader, now = AnswerReader(), connection.loop.time
    try:
        connection.writer.write(data)  # and not waited for: a server that refuses a request early says why
        while True:
            arrived = await connection.reader.read(_CHUNK_BYTES)
            if now() >= deadline:  # the timer does not run while there is always something that has arrived
                raise TimeoutError
            answer = reader.feed(arrived)
            if answer is not None:
                return answer
    except (ConnectionError, ssl.SSLEOFError) as error:
        if reader.begun:
            raise
        raise UnansweredError from error
