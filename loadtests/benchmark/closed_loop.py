"""A closed loop over keep-alive connections: each sends its next request when the last one is answered.

One thread, epoll, prebuilt requests, answers judged afterwards: it shares the machine with the server that it measures,
and takes the same little of it from every one.
"""

import gc
import select
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType

from .http_messages import Frame, MalformedAnswerError, find_frame
from .load import Load, Question, ReadClass, Received, judge_all

_RECEIVE_BYTES = 65_536
_OPENING_S = 0.001  # between two connections: all at once, and one worker of a server may accept them all
_STEP_S = 0.05  # between two looks whether the warm-up has an end
_STUCK_S = 30.0


class StuckError(Exception):
    """Requests that no answer came to."""


def run_closed_loop(
    address: tuple[str, int],
    questions: Sequence[Question],
    read_class: ReadClass,
    *,
    connections: int,
    seconds: float,
    warm_up_s: float = 0.3,
    stuck_s: float = _STUCK_S,
) -> Load:
    """Keep `connections` requests under way for `seconds`, after a warm-up in which each connection was answered.

    Ends when the last request under way is answered, so that the server is idle then. A server that ends each
    connection after its answer is called anew; the time of connecting is in the latency.

    Raises:
        StuckError: an answer did not come within `stuck_s`.
        OSError: the server cannot be reached.
    """
    with _no_collection(), _Loop(address, questions, stuck_s=stuck_s) as loop:
        for _ in range(connections):
            loop.open()
            loop.run(until=time.perf_counter() + _OPENING_S)
        loop.warm_up(warm_up_s)
        warm_up = loop.take_received()
        cpu_before_s, start = time.process_time(), time.perf_counter()
        loop.run(until=start + seconds)
        generator_s, window_s = time.process_time() - cpu_before_s, time.perf_counter() - start
        window = loop.take_received()
        loop.drain()
        latencies_s, errors = judge_all(window, read_class)
        others, other_errors = judge_all([*warm_up, *loop.take_received()], read_class)
        return Load(
            per_s=len(latencies_s) / window_s,
            latencies_s=latencies_s,
            errors=loop.errors + errors + other_errors,
            answers=len(latencies_s) + len(others),
            generator_s=generator_s,
        )


@contextmanager
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class _Connection:
    __slots__ = ("answers", "frame", "question", "received", "sending", "sent_at", "socket", "unsent")

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self.question: Question | None = None  # under way
        self.unsent = memoryview(b"")
        self.sending = False  # epoll tells when more can be sent
        self.received = bytearray()
        self.frame: Frame | None = None
        self.sent_at = 0.0
        self.answers = 0

    def __str__(self) -> str:
        return f"{len(self.unsent)} bytes not sent, {len(self.received)} received, {self.answers} answers before"


class _Loop:
    """The connections and what came of them."""

    def __init__(self, address: tuple[str, int], questions: Sequence[Question], *, stuck_s: float) -> None:
        self.errors: Counter[str] = Counter()
        self._received: list[Received] = []
        self._address = address
        self._questions = questions
        self._stuck_s = stuck_s
        self._asked = 0
        self._connections: list[_Connection] = []
        self._open: dict[int, _Connection] = {}  # by descriptor
        self._epoll = select.epoll()

    def __enter__(self) -> "_Loop":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for connection in self._connections:
            self._disconnect(connection)
        self._epoll.close()

    def open(self) -> None:
        """One more connection, asking at once."""
        connection = _Connection()
        self._connections.append(connection)
        self._ask(connection)

    def warm_up(self, at_least_s: float) -> None:
        """Run until each connection had an answer, and as long as was asked for."""
        self.run(until=time.perf_counter() + at_least_s)
        while not all(connection.answers for connection in self._connections):
            self.run(until=time.perf_counter() + _STEP_S)

    def run(self, *, until: float) -> None:
        """Take answers and ask again until then."""
        while (now := time.perf_counter()) < until:
            for connection in self._answered(wait_s=until - now):
                self._ask(connection)
        self._check_stuck()

    def drain(self) -> None:
        """Take the answers that are under way."""
        while any(connection.question for connection in self._connections):
            self._answered(wait_s=1.0)
            self._check_stuck()

    def take_received(self) -> list[Received]:
        """The answers since the last time."""
        taken, self._received = self._received, []
        return taken

    def _check_stuck(self) -> None:
        waiting = [connection for connection in self._connections if connection.question]
        oldest = min(waiting, key=lambda connection: connection.sent_at, default=None)
        if oldest and time.perf_counter() - oldest.sent_at > self._stuck_s:
            host, port = self._address
            raise StuckError(f"{host}:{port} did not answer a request within {self._stuck_s:g} s: {oldest}")

    def _answered(self, *, wait_s: float) -> list[_Connection]:
        """The connections that got an answer, or lost hope of one, now."""
        answered = []
        for descriptor, event in self._epoll.poll(wait_s):
            connection = self._open[descriptor]
            if event & select.EPOLLOUT:
                self._send(connection)
            elif self._receive(connection):
                answered.append(connection)
        return answered

    def _ask(self, connection: _Connection) -> None:
        connection.question = self._questions[self._asked % len(self._questions)]
        connection.unsent = memoryview(connection.question.request)
        connection.received = bytearray()
        connection.frame = None
        connection.sent_at = time.perf_counter()
        self._asked += 1
        if connection.socket is None:
            self._connect(connection)
        self._send(connection)

    def _connect(self, connection: _Connection) -> None:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.settimeout(self._stuck_s)
        made.connect(self._address)
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.socket, connection.sending = made, False
        self._open[made.fileno()] = connection
        self._epoll.register(made, select.EPOLLIN)

    def _disconnect(self, connection: _Connection) -> None:
        if connection.socket is not None:
            del self._open[connection.socket.fileno()]
            connection.socket.close()  # epoll forgets it
            connection.socket = None

    def _send(self, connection: _Connection) -> None:
        assert connection.socket is not None  # noqa: S101  for the type checker
        try:
            sent = connection.socket.send(connection.unsent)
        except BlockingIOError:
            sent = 0
        except OSError:  # receiving tells what happened: an early answer, or nothing
            sent = len(connection.unsent)
        connection.unsent = connection.unsent[sent:]
        sending = len(connection.unsent) > 0
        if sending != connection.sending:
            connection.sending = sending
            self._epoll.modify(connection.socket, select.EPOLLIN | (select.EPOLLOUT if sending else 0))

    def _receive(self, connection: _Connection) -> bool:
        """Whether the question under way has come to its end, well or badly."""
        assert connection.socket is not None  # noqa: S101  for the type checker
        try:
            data = connection.socket.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return False
        except OSError as error:
            return self._fail(connection, type(error).__name__)
        if not data:
            return self._fail(connection, "the connection was closed without an answer")
        connection.received += data
        try:
            frame = connection.frame = connection.frame or find_frame(connection.received)
        except MalformedAnswerError as error:
            return self._fail(connection, str(error))
        if frame is None or len(connection.received) < frame.end:
            return False
        if connection.question is None:
            return self._fail(connection, "an answer to no question")
        latency_s = time.perf_counter() - connection.sent_at
        self._received.append(Received(connection.question, latency_s, connection.received, frame))
        connection.question = None
        connection.answers += 1
        if frame.closes or connection.unsent:
            self._disconnect(connection)
        return True

    def _fail(self, connection: _Connection, reason: str) -> bool:
        """Count an error; the next question goes over a new connection."""
        was_asked = connection.question is not None
        self._disconnect(connection)
        connection.question = None
        if was_asked:
            self.errors[reason] += 1
            connection.answers += 1
        return was_asked
