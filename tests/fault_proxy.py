"""A TCP proxy on loopback that spoils what passes through it: the faults of a network, on real sockets."""

import ctypes
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

_CHUNK_BYTES = 1 << 14
_POLL_S = 0.02
_LINGER_NOT = struct.pack("ii", 1, 0)  # close() sends a reset
_ATTACH_FILTER, _DETACH_FILTER = 26, 27  # SO_ATTACH_FILTER and SO_DETACH_FILTER of Linux
_DROP = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # a packet filter: return 0 bytes of each
_DROP_ALL = struct.pack("HL", 1, ctypes.addressof(_DROP))


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to every connection, in both directions; all zero is a good network.

    latency_s:      each piece is held back for so long
    down:           connections are refused, and those that were open are cut
    bytes_per_s:    the bandwidth
    slow_close_s:   the end of a connection is passed on so much later
    swallows:       from now on nothing arrives, and nobody is told: the kernel acknowledges nothing, either
    discards:       from now on everything is acknowledged, and nothing passed on
    resets_after_s: each connection is reset so long after it began
    slice_bytes:    every byte arrives, in pieces of this size, 1 ms apart
    limit_bytes:    a connection is closed once so many bytes came back
    """

    latency_s: float = 0.0
    down: bool = False
    bytes_per_s: float = 0.0
    slow_close_s: float = 0.0
    swallows: bool = False
    discards: bool = False
    resets_after_s: float = 0.0
    slice_bytes: int = 0
    limit_bytes: int = 0


NONE = Fault()


class FaultProxy:
    """Passes connections on to `upstream`, a port on loopback. `fault` may be set at any time. A context manager."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._fault = NONE
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._leaving = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.connections = 0

    @property
    def fault(self) -> Fault:
        """What happens to connections now."""
        return self._fault

    @fault.setter
    def fault(self, fault: Fault) -> None:
        was_down, self._fault = self._fault.down, fault
        if fault.down and not was_down:
            self._close_listener()
            self._cut()
        elif was_down and not fault.down:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=256)
            self._begin(self._accept, self._listener)
        with self._lock:
            for each in [self._listener, *self._open]:
                _set_deaf(each, deaf=fault.swallows)

    def __enter__(self) -> "FaultProxy":
        self._begin(self._accept, self._listener)
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        self._close_listener()
        self._cut()
        for thread in self._threads:
            thread.join(timeout=10)

    def _begin(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads = [each for each in self._threads if each.is_alive()]
        self._threads.append(thread)
        thread.start()

    def _close_listener(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                self.connections += 1
                self._begin(self._connect, client)

    def _connect(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._upstream), timeout=5)
        except OSError:
            _reset(client)
            return
        server.settimeout(None)
        for side in (client, server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open |= {client, server}
            for side in (client, server):
                _set_deaf(side, deaf=self._fault.swallows)
        began, ends = time.monotonic(), threading.Semaphore(0)
        self._begin(self._pump, client, server, began, ends, False)
        self._begin(self._pump, server, client, began, ends, True)
        for _ in range(2):
            ends.acquire()
        with self._lock:
            self._open -= {client, server}
        for side in (client, server):
            side.close()

    def _pump(
        self, source: socket.socket, sink: socket.socket, began: float, ends: threading.Semaphore, back: bool
    ) -> None:
        passed = 0
        try:
            while not self._leaving.is_set():
                fault = self.fault
                if fault.resets_after_s and time.monotonic() - began > fault.resets_after_s:
                    _reset(source)
                    _reset(sink)
                    return
                if not select.select([source], [], [], _POLL_S)[0]:
                    continue
                data = source.recv(_CHUNK_BYTES)
                if not data:
                    self._leaving.wait(self.fault.slow_close_s)
                    break
                if self.fault.swallows or self.fault.discards:
                    continue
                limit = self.fault.limit_bytes if back else 0
                data = data[: limit - passed] if limit else data
                passed += len(data)
                self._pass(data, sink, self.fault)
                if limit and passed >= limit:
                    break
        except (OSError, ValueError):  # ValueError: closed by the other direction
            pass
        finally:
            for side in (source, sink):
                with suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)
            ends.release()

    def _pass(self, data: bytes, sink: socket.socket, fault: Fault) -> None:
        if fault.latency_s:
            self._leaving.wait(fault.latency_s)
        if fault.slice_bytes:
            for start in range(0, len(data), fault.slice_bytes):
                sink.sendall(data[start : start + fault.slice_bytes])
                self._leaving.wait(0.001)
            return
        if fault.bytes_per_s:
            step = max(1, int(fault.bytes_per_s * _POLL_S))
            for start in range(0, len(data), step):
                piece = data[start : start + step]
                self._leaving.wait(len(piece) / fault.bytes_per_s)
                sink.sendall(piece)
            return
        sink.sendall(data)

    def _cut(self) -> None:
        with self._lock:
            sides = list(self._open)
        for side in sides:
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)


def _reset(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        connection.close()


def _set_deaf(connection: socket.socket, *, deaf: bool) -> None:
    with suppress(OSError):  # it is closed by now, or had no filter
        if deaf:
            connection.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, _DROP_ALL)
        else:
            connection.setsockopt(socket.SOL_SOCKET, _DETACH_FILTER, 0)
