"""One connection of the synchronous HTTP transport: sends a request and reads its answer by a deadline."""

import socket
import ssl
from dataclasses import replace

from ..forks import disconnect
from .http1 import Answer, AnswerReader, UnansweredError
from .tcp import left_s, wait
from .tls import Material

_CHUNK_BYTES = 1 << 14  # at once, of an answer: the clock is looked at before each
_PIECE_BYTES = 1 << 18  # of a request: what TLS is given at once
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class HttpConnection:
    """One request at a time.

    material: what its TLS was set up with; None without TLS
    """

    def __init__(self, connected: socket.socket, material: Material | None) -> None:
        self._socket = connected
        self.material = material

    @property
    def is_readable(self) -> bool:
        """Whether the server has closed it, or said something that nobody asked for."""
        return wait(self._socket, 0.0, for_room=False)

    def ask(self, request: bytes, deadline: float) -> Answer:
        """Send a request and read its answer, also one that comes before the whole request was sent.

        Raises:
            UnansweredError: the connection broke before a byte of the answer came.
            OSError, NotHttpError: it failed otherwise.
        """
        reader = AnswerReader()
        try:
            early = self._send(request, reader, deadline)
            if early is not None:
                return replace(early, reusable=False)
            while True:
                self._socket.settimeout(left_s(deadline))
                answer = reader.feed(self._socket.recv(_CHUNK_BYTES))
                if answer is not None:
                    return answer
        except (ConnectionError, ssl.SSLEOFError) as error:
            if reader.begun:
                raise
            raise UnansweredError from error

    def close(self) -> None:
        """Close it; a second call does nothing."""
        self._socket.close()

    def disconnect(self) -> None:
        """Leave the connection to the parent process, of which this one is a fork."""
        disconnect(self._socket.fileno())
        self._socket.close()

    def _send(self, request: bytes, reader: AnswerReader, deadline: float) -> Answer | None:
        """The answer, where it was whole before all was sent; a server that breaks off may have said why before."""
        unsent = memoryview(request)
        self._socket.setblocking(False)
        try:
            while unsent:
                try:
                    unsent = unsent[self._socket.send(unsent[:_PIECE_BYTES]) :]
                except _NOT_NOW:
                    answer = self._meanwhile(reader, deadline)
                    if answer is not None:
                        return answer
        except (ConnectionError, ssl.SSLEOFError):
            pass
        return None

    def _meanwhile(self, reader: AnswerReader, deadline: float) -> Answer | None:
        """Wait until more can be sent; the answer, where it is whole by then."""
        if not wait(self._socket, left_s(deadline), for_room=True):
            return None
        try:
            return reader.feed(self._socket.recv(_CHUNK_BYTES))
        except _NOT_NOW:
            return None
