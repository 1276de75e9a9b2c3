"""One running Envoy: start, wait until it listens, start anew, stop, leave nothing behind."""

import errno
import json
import math
import os
import re
import resource
import signal
import socket
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Final

import psutil

from triptych_ops.errors import OpsError, TimedOutError
from triptych_ops.scratch import scratch_folder

from ..log import last_line
from ..process import ProcessGroup
from .administration import Administration
from .configuration import BOOTSTRAP, configuration
from .settings import EdgeSettings, Upstream

READY_TIMEOUT_S = 15.0
"""A start takes a fifth of a second; a cold disk on a busy machine takes many times that."""

EXIT_TIMEOUT_S = 5.0
"""What requests under way get, as Triton gives them."""

UNANSWERED_S = 8.0
"""A server that gives no answer for so long is replaced: more than a busy machine's pauses, or a debugger's glance."""

_QUESTION_S = 2.0
_POLL_S = 0.02
_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104  what others listen on, and may
_SOCKET = "administration"
_FAULT = re.compile(r"\[(?:critical|error)\]\[[^\]]*\] \[[^\]]*\] (.+)")


def missing_descriptors(settings: EdgeSettings) -> str | None:
    """Return one line where this process may not give Envoy as many file descriptors as its limits can need."""
    needed, most = _needed_descriptors(settings), resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most == resource.RLIM_INFINITY or needed <= most:
        return None
    return (
        f"--max-connections {settings.limits.max_connections} can need {needed} open files, and this process may have "
        f"{most}: further connections will be refused; raise the hard limit (ulimit -Hn) or lower --max-connections"
    )


def _needed_descriptors(settings: EdgeSettings) -> int:
    """Connections of clients and to Triton, and what Envoy opens for itself: about fifty, and some for each worker."""
    limits = settings.limits
    return limits.max_connections + limits.max_concurrent * settings.workers + 64 + 32 * settings.workers


class Edge:
    """An Envoy in front of a Triton. Use it as a context manager.

    program:  Envoy's
    upstream: the Triton behind it, which need not run yet: until it does, the edge answers 503, UNAVAILABLE
    verbose:  Envoy's log goes to stderr
    drain_s:  what requests under way get when it is left

    Entered, it listens; leaving takes no more requests, waits for those under way, ends the process and
    removes its temporary files, in which the API keys are, for nobody else to read. Should this process be
    killed, or the thread that started Envoy end, the kernel ends it: enter and restart in the main thread.

    Raises:
        OpsError: a port is in use, or Envoy ends by itself.
        TimedOutError: it does not listen in time.
    """

    name: Final = "the edge"

    def __init__(
        self,
        program: Path,
        settings: EdgeSettings,
        upstream: Upstream,
        *,
        verbose: bool = False,
        drain_s: float = EXIT_TIMEOUT_S,
    ) -> None:
        self._program = program
        self._upstream = upstream
        self._verbose = verbose
        self._drain_s = drain_s
        self._leaving = ExitStack()
        self._process: ProcessGroup | None = None
        self._answered_s = self._next_question_s = math.inf
        self.settings = settings

    def __enter__(self) -> "Edge":
        _check_ports(self.settings)
        with ExitStack() as entered:
            parent = Path(tempfile.gettempdir())
            self._folder = entered.enter_context(scratch_folder(parent, prefix="triptych-edge-"))
            descriptor = os.open(self._folder, os.O_PATH)
            entered.callback(os.close, descriptor)
            # A socket's path has at most 107 bytes, however deep the folder lies.
            self._socket = Path(f"/proc/{os.getpid()}/fd/{descriptor}/{_SOCKET}")
            self._write_configuration()
            entered.callback(self.end)
            self._start()
            self._leaving = entered.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            with suppress(OpsError):  # it ended already
                self._drain()
        finally:
            self._leaving.close()

    def check_alive(self) -> None:
        """Do nothing while the process runs and answers.

        Every few seconds its administration is asked, so a call may take as long as one answer may.

        Raises:
            OpsError: it ended, and the message has its last line of log; or it gives no answer for `UNANSWERED_S`.
        """
        if self._process is None:
            raise OpsError("envoy was ended")
        status = self._process.poll()
        if status is not None:
            raise OpsError(f"envoy {self._reason(status)}")
        if time.monotonic() >= self._next_question_s:
            self._ask()

    def _ask(self) -> None:
        if self.administration.answers():
            self._answered_s = time.monotonic()
        silent_s = time.monotonic() - self._answered_s
        if silent_s >= UNANSWERED_S:
            raise OpsError(f"envoy runs and has given no answer for {silent_s:.1f} s")
        self._next_question_s = time.monotonic() + _QUESTION_S

    def end(self) -> None:
        """End the process at once; a second call does nothing."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def restart(self) -> None:
        """End it at once and start it anew on the same ports, as it was.

        Raises:
            OpsError: it ends by itself.
            TimedOutError: it does not listen in time.
        """
        self.end()
        self._start()

    @property
    def pid(self) -> int:
        """Of Envoy's process.

        Raises:
            OpsError: `end` ended it.
        """
        if self._process is None:
            raise OpsError("envoy was ended")
        return self._process.pid

    @property
    def administration(self) -> Administration:
        """Of the running Envoy."""
        return Administration(self._socket)

    def _write_configuration(self) -> None:
        documents = configuration(self.settings, self._upstream, folder=self._folder, administration=self._socket)
        for file, document in documents.items():
            (self._folder / file).touch(mode=0o600)  # it has keys
            (self._folder / file).write_text(json.dumps(document), encoding="utf-8")

    def _start(self) -> None:
        self._socket.unlink(missing_ok=True)
        command = [
            *(str(self._program), "-c", str(self._folder / BOOTSTRAP)),
            *("--concurrency", str(self.settings.workers)),
            *("--log-level", "warning", "--skip-deprecated-logs", "--disable-hot-restart"),
        ]
        try:
            with self._log.open("wb") as log:
                self._process = ProcessGroup(
                    command,
                    os.environ,
                    sys.stderr if self._verbose else log,
                    descriptors=_needed_descriptors(self.settings),
                )
        except OSError as error:
            raise OpsError(f"envoy cannot be started: {error.strerror}: {error.filename}") from error
        self._answered_s = self._next_question_s = math.inf
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not (self.administration.ready() and self._listens()):
            if self._process.poll() is not None:
                _check_ports(self.settings)  # where another process took a port since the last check, this says which
            self.check_alive()
            if time.monotonic() > deadline:
                raise TimedOutError(f"envoy did not listen within {READY_TIMEOUT_S:g} s: {self._said()}")
            time.sleep(_POLL_S)
        self._answered_s = time.monotonic()
        self._next_question_s = self._answered_s + _QUESTION_S

    def _listens(self) -> bool:
        """Return whether Envoy itself listens on each of its ports.

        Two that start at the same moment can both bind a port, which SO_REUSEADDR allows before either listens. Envoy
        goes on without a listener whose `listen` failed.

        Raises:
            OpsError: another process listens on one of them.
        """
        ports = {port: name for name, port in self.settings.ports.items()}
        address = self.settings.address
        own, others = set[int](), set[int]()
        for found in psutil.net_connections("tcp"):
            if found.status != psutil.CONN_LISTEN or not found.laddr or found.laddr.port not in ports:
                continue
            if found.pid == self.pid:
                own.add(found.laddr.port)
            elif _ANY_ADDRESS & {found.laddr.ip, address} or found.laddr.ip == address:
                others.add(found.laddr.port)
        if taken := sorted(others - own):
            raise OpsError(f"port {taken[0]} is in use; choose another with --edge-{ports[taken[0]]}-port")
        return own == ports.keys()

    def _drain(self) -> None:
        """Take no more requests, and return when none is under way or their time is over."""
        deadline = time.monotonic() + self._drain_s
        self.administration.take_no_more()
        while self.administration.under_way() and time.monotonic() < deadline:
            time.sleep(_POLL_S)

    def _reason(self, status: int) -> str:
        if status < 0:
            return f"was ended by {signal.Signals(-status).name}"
        return f"ended with status {status}: {'its log is above' if self._verbose else self._said()}"

    def _said(self) -> str:
        """Its first error, else its last word."""
        match = _FAULT.search(self._log.read_text(encoding="utf-8", errors="replace"))
        return match[1] if match else last_line(self._log)

    @property
    def _log(self) -> Path:
        return self._folder / "envoy.log"


def _check_ports(settings: EdgeSettings) -> None:
    """Try each port.

    Raises:
        OpsError: one is in use, or needs rights that this process lacks, or the address is none of this machine.
    """
    family = socket.AF_INET6 if ":" in settings.address else socket.AF_INET
    for name, port in settings.ports.items():
        try:
            socket.create_server((settings.address, port), family=family).close()
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise OpsError(
                    f"{settings.address} is no address of this machine; choose another with --edge-address"
                ) from error
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be opened: {error.strerror}"
            raise OpsError(f"port {port} {reason}; choose another with --edge-{name}-port") from error
