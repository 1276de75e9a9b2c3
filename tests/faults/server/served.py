"""`triptych serve` seen from outside, for faults: who runs, since when, what it said."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Self

import psutil

from commands import TRIPTYCH, Serving
from triptych import Client
from triptych_ops.runtime import Ports


class Watched(Serving):
    """A server whose words on stderr are read while it runs, each with its time.

    `wrapper` is what its command line begins with.
    """

    wrapper: ClassVar[tuple[str, ...]] = ()

    def __enter__(self) -> Self:
        self.start()
        assert self.process.stdout is not None
        self.banner = self.process.stdout.readline()
        assert self.banner.startswith("ready"), self.stop(signal.SIGTERM)
        return self

    def start(self) -> None:
        """Start the process without waiting for it."""
        command = [
            *(*self.wrapper, str(TRIPTYCH), "serve", "--store", str(self.store)),
            *("--http-port", str(self.ports.http), "--grpc-port", str(self.ports.grpc)),
            *("--metrics-port", str(self.ports.metrics)),
            *self._options,
        ]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(self._scratch)},
        )
        self.said: list[tuple[float, str]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def stop(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal and wait; the exit status and all that it said on stderr."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(30)
        self._reader.join(5)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return status, "\n".join(line for _, line in self.said)

    def heard(self, words: str, *, since_s: float, within_s: float) -> float:
        """Seconds from `since_s` until it says a line with these words."""

        def said() -> float | None:
            return next((at_s for at_s, line in list(self.said) if at_s >= since_s and words in line), None)

        await_true(lambda: said() is not None, since_s=since_s, within_s=within_s, what=f"{words!r} of {self.said}")
        return (said() or since_s) - since_s

    def tritonserver(self) -> psutil.Process:
        """The server's process."""
        (server,) = (process for process in self.children() if process.name() == "tritonserver")
        return server

    def living_stubs(self) -> dict[str, psutil.Process]:
        """As `stubs`, but those that died are passed over."""
        found: dict[str, psutil.Process] = {}
        for process in self.children():
            try:
                line = process.cmdline()
            except psutil.NoSuchProcess:
                continue
            if line and line[0].endswith("triton_python_backend_stub"):
                found[Path(line[1]).parents[1].name] = process
        return found

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append((time.monotonic(), line.rstrip("\n")))


def await_true(condition: Callable[[], bool], *, since_s: float, within_s: float, what: str) -> float:
    """Seconds from `since_s` until the condition holds; fails after `within_s`."""
    while not condition():
        assert time.monotonic() - since_s <= within_s, f"not within {within_s:g} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - since_s


def closed(ports: Ports) -> bool:
    """Whether nobody listens for inference any more: what tells a balancer that this server is not ready."""
    for port in (ports.http, ports.grpc):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            continue
        return False
    return True


def serves(ports: Ports, *, known: bool = True) -> bool:
    """Whether it gives the known answer now, to a new client of each protocol; an edge does not say what is known."""
    for url in (ports.grpc_url, ports.http_url):
        with Client(url) as client:
            state = client.health(timeout_s=1)
            if not state.ok or state.known != known:
                return False
    return True
