"""One request over a connection of its own."""

import socket

from .http_messages import Answer, find_frame, parse_answer

_TIMEOUT_S = 10.0
_RECEIVE_BYTES = 65_536


def call(address: tuple[str, int], request: bytes, *, timeout_s: float = _TIMEOUT_S) -> Answer:
    """The answer to one request.

    Raises:
        OSError: the server cannot be reached, ends the connection, or is silent for `timeout_s`.
        MalformedAnswerError: what came is no answer.
    """
    with socket.create_connection(address, timeout=timeout_s) as connection:
        connection.sendall(request)
        received = bytearray()
        while (frame := find_frame(received)) is None or len(received) < frame.end:
            data = connection.recv(_RECEIVE_BYTES)
            if not data:
                raise ConnectionError("the connection was closed without an answer")
            received += data
        return parse_answer(received, frame)
