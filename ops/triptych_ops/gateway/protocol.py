"""uvicorn's HTTP/1.1 with limits of its own: a slow or endless head, too many connections, bodies that nobody wants."""

import asyncio
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from .caller import Connection
from .limits import Limits
from .problems import INVALID_REQUEST, OVERLOADED, Kind, Problem

_HEAD_BYTES: Final = 64 * 1024  # many times any browser's
_FRAMING_BYTES: Final = 16 * 1024 * 1024  # of chunks, beside the body in them

_LATE_HEAD: Final = Kind("head_timeout", 408, "The request did not arrive in time")
_LONG_HEAD: Final = Kind("head_too_large", 431, "The request's head is too large")


class GatewayProtocol(HttpToolsProtocol):
    """One connection."""

    limits: ClassVar[Limits]

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._connection = Connection()
        self._timer: asyncio.TimerHandle | None = None  # of a head, or of an unwanted body
        self._in_head = False
        self._in_body = False
        self._part_bytes = 0  # of the head, or of the body

    @classmethod
    def within(cls, limits: Limits) -> type["GatewayProtocol"]:
        """The protocol with these limits."""
        return type(cls.__name__, (cls,), {"limits": limits})

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or say that there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self._refuse(OVERLOADED, f"{self.limits.connections} connections are open; come back later")
        else:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._stop_timer()
        self._connection.lose()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what arrives."""
        self._part_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_body:
            if self._part_bytes > self.limits.body_bytes + _FRAMING_BYTES:
                self.transport.abort()
        elif self._part_bytes > _HEAD_BYTES:
            self._refuse(_LONG_HEAD, f"the head has more than {_HEAD_BYTES} bytes")
        elif self._timer is None and self.timeout_keep_alive_task is None and self._is_idle():
            self._expect_head()

    def on_message_begin(self) -> None:
        """A head begins to arrive, perhaps before the last request is answered."""
        self._in_head = True
        super().on_message_begin()
        self._connection.lay(self.scope)

    def on_headers_complete(self) -> None:
        """The head has arrived."""
        self._stop_timer()
        self._in_head, self._in_body = False, True
        self._part_bytes = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body has arrived."""
        self._stop_timer()
        self._in_body = False
        self._part_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer was sent, perhaps before the whole body arrived."""
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if self._in_body:
            self._timer = self.loop.call_later(self.limits.unwanted_body_s, self.transport.close)
        elif self._in_head and self._timer is None:
            self._expect_head()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's words
        """Refuse what is no HTTP."""
        self._refuse(INVALID_REQUEST, "this is no request of HTTP/1.1")

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _expect_head(self) -> None:
        self._timer = self.loop.call_later(self.limits.head_timeout_s, self._late)

    def _late(self) -> None:
        if not self.transport.is_closing():
            self._refuse(_LATE_HEAD, f"the head did not arrive within {self.limits.head_timeout_s:g} s")

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, kind: Kind, detail: str) -> None:
        """Answer outside of any request, and end the connection."""
        if not self._is_idle():  # in the middle of an answer
            self.transport.abort()
            return
        problem = Problem(kind=kind, detail=detail, headers={"Connection": "close"})
        body = problem.body("")
        lines = {**problem.all_headers, "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.transport.write(STATUS_LINE[kind.status] + head.encode() + b"\r\n" + body)
        self.transport.close()
