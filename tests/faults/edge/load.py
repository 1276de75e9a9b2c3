"""A cheap load of HTTP requests, as it shares the cores with what it loads: one thread, raw sockets, prebuilt bytes."""

import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sample:
    """One request: when it was sent, how it was answered; status 0 where the connection broke."""

    sent_s: float
    latency_s: float
    status: int
    body: bytes


@dataclass(slots=True, eq=False)
class _Connection:
    port: int
    outgoing: memoryview = field(default_factory=lambda: memoryview(b""))
    incoming: bytearray = field(default_factory=bytearray)
    sent_s: float = 0.0
    stream: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self.stream = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        self.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream.setblocking(False)

    def send(self, request: bytes) -> bool:
        """Begin a request; whether some of it waits."""
        self.sent_s, self.outgoing, self.incoming = time.monotonic(), memoryview(request), bytearray()
        return self.flush()

    def flush(self) -> bool:
        while self.outgoing:
            try:
                self.outgoing = self.outgoing[self.stream.send(self.outgoing) :]
            except BlockingIOError:
                return True
        return False

    def receive(self) -> tuple[int, bytes] | None:
        """Status and body, once they are whole."""
        part = self.stream.recv(1 << 18)
        if not part:
            raise ConnectionResetError
        self.incoming += part
        head, separator, body = bytes(self.incoming).partition(b"\r\n\r\n")
        if not separator:
            return None
        lengths = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        return (int(head[9:12]), body) if len(body) >= int(lengths[0]) else None


class Load:
    """Connections to one port, kept open between requests."""

    def __init__(self, port: int, request: bytes) -> None:
        self._port = port
        self._request = request
        self._poll = select.epoll()
        self._busy: dict[int, _Connection] = {}
        self._idle: list[_Connection] = []
        self.samples: list[Sample] = []

    def closed(self, connections: int, seconds: float) -> list[Sample]:
        """`connections` at a time, each request as soon as its predecessor is answered."""
        return self._run(seconds, lambda _: connections - len(self._busy))

    def open(self, rate_per_s: float, seconds: float, *, wait: bool = True) -> list[Sample]:
        """Requests at a steady rate, whatever becomes of those before; `wait` for the answers of the last ones."""
        start_s, begun = time.monotonic(), 0

        def due(now_s: float) -> int:
            nonlocal begun
            wanted = int((now_s - start_s) * rate_per_s) - begun
            begun += wanted
            return wanted

        return self._run(seconds, due, wait=wait)

    def abandon(self) -> None:
        """Close the connections of the requests under way."""
        for connection in self._busy.values():
            connection.stream.close()
        self._busy.clear()

    def _run(self, seconds: float, due: Callable[[float], int], *, wait: bool = True) -> list[Sample]:
        self.samples = []
        end_s = time.monotonic() + seconds
        while (now_s := time.monotonic()) < end_s:
            for _ in range(due(now_s)):
                self._begin()
            self._serve(0.001)
        while wait and self._busy and time.monotonic() < end_s + 15:
            self._serve(0.05)
        return self.samples

    def _begin(self) -> None:
        connection = self._idle.pop() if self._idle else _Connection(self._port)
        descriptor = connection.stream.fileno()
        if descriptor not in self._busy:
            self._busy[descriptor] = connection
        waiting = connection.send(self._request)
        self._poll.register(descriptor, select.EPOLLIN | (select.EPOLLOUT if waiting else 0))

    def _serve(self, timeout_s: float) -> None:
        for descriptor, event in self._poll.poll(timeout_s):
            connection = self._busy[descriptor]
            try:
                if event & select.EPOLLOUT and not connection.flush():
                    self._poll.modify(descriptor, select.EPOLLIN)
                answer = connection.receive() if event & ~select.EPOLLOUT else None
            except OSError:
                answer = (0, b"")
            if answer is not None:
                self._end(connection, *answer)

    def _end(self, connection: _Connection, status: int, body: bytes) -> None:
        descriptor = connection.stream.fileno()
        self._poll.unregister(descriptor)
        del self._busy[descriptor]
        self.samples.append(Sample(connection.sent_s, time.monotonic() - connection.sent_s, status, body))
        if status == 0 or b"connection: close" in connection.incoming:
            connection.stream.close()
        else:
            self._idle.append(connection)

    def close(self) -> None:
        """Close every connection."""
        for connection in (*self._busy.values(), *self._idle):
            connection.stream.close()
        self._poll.close()


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of them do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
