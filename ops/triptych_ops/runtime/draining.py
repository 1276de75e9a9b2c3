"""Stopping a server without losing what is under way.

Triton 2.51 at SIGTERM takes no new HTTP connection and waits until those that are open close, idle ones
too, for its whole exit timeout. Only then does it stop its models, and an ensemble that is under way over gRPC fails
at its next step. Both are met here: a connection of our own keeps Triton in its first state, in which all that is under
way is finished, and once nothing is, the server is ended without waiting for anybody's idle connection.
"""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import psutil

from .ports import LOOPBACK

_WINDOW_S = 0.15
"""A request under way takes processor time; the kernel counts in hundredths of a second."""

_ANSWER_S = 0.5  # a server that works tells that it lives within milliseconds


def drain(pid: int, *, http_port: int, limit_s: float) -> None:
    """Return when the server `pid` has ended, does nothing any more, or `limit_s` is over.

    It takes no new HTTP connection from now on. gRPC it serves to the end: this Triton can turn no gRPC client away.
    """
    deadline = time.monotonic() + limit_s
    try:
        server = psutil.Process(pid)
        with _held_open(http_port):
            server.send_signal(signal.SIGTERM)
            spent_s = _processor_s(server)
            while time.monotonic() < deadline:
                time.sleep(_WINDOW_S)
                earlier_s, spent_s = spent_s, _processor_s(server)
                if spent_s == earlier_s:
                    return
    except psutil.NoSuchProcess:
        return


@contextmanager
def _held_open(http_port: int) -> Iterator[None]:
    """Keep a connection open that the server knows of, where it answers at all."""
    with ExitStack() as stack:
        with suppress(OSError):
            connection = stack.enter_context(socket.create_connection((LOOPBACK, http_port), timeout=_ANSWER_S))
            connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            connection.recv(1024)  # now it is counted
        yield


def _processor_s(server: psutil.Process) -> float:
    """Processor time of the server and its stubs, in seconds.

    Raises:
        psutil.NoSuchProcess: the server has ended.
    """
    if server.status() == psutil.STATUS_ZOMBIE:
        raise psutil.NoSuchProcess(server.pid)
    total_s = 0.0
    for process in (server, *server.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total_s += times.user + times.system
    return total_s
