"""One running tritonserver: start, wait for a true answer, start anew, stop, leave nothing behind."""

import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path
from types import TracebackType

import psutil

from triptych import Client, Health
from triptych.client import DEFAULT_TIMEOUT_S
from triptych_ops.errors import OpsError, RefusedError, TimedOutError, UsageError
from triptych_ops.scratch import scratch_folder

from . import regions
from .command import command
from .draining import drain
from .installation import Installation
from .log import first_error, last_line, still_loading
from .ports import Ports
from .process import ProcessGroup
from .repository_copy import digests, remove_others
from .shared_memory import PLACE
from .tracing import Collector

READY_TIMEOUT_S = 45.0
"""A start takes one or two seconds; a cold disk on a busy machine takes many times that."""

EXIT_TIMEOUT_S = 5
"""What requests under way get at SIGTERM, the slowest many times over."""

_NOT_LISTENING = Health(
    ok=False,
    reason="it does not listen on its ports",
    answered=False,
    known=False,
    release=None,
    elapsed_s=0.0,
)
_LONGEST_LOG_BYTES = 16 << 20
_POLL_S = 0.05
_PLAIN_PATH = re.compile(r"[\w./,:@%+=-]+", re.ASCII)


class Server:
    """A tritonserver on loopback serving one model repository. Use it as a context manager.

    copy_repository: fills the new folder that it is called with. Triton always serves a copy: its stubs
                     ignore PYTHONDONTWRITEBYTECODE and write beside their sources.
    collector:       gets spans of requests
    verbose:         Triton's log goes to stderr
    folder:          once entered, its temporary files; its name begins the names of its shared memory

    Entering starts the process and does not wait; leaving stops it with its stubs, once what is under way
    is finished, and removes its shared memory and temporary files. Should this process be killed, the server
    ends as well, and what is left of it is removed by the next one that is entered. The kernel ends the server
    when the thread that started it ends: enter and restart in the main thread.

    Raises:
        OpsError: a port is in use.
        UsageError: the path of the temporary folder is none that Triton can take.
    """

    def __init__(
        self,
        installation: Installation,
        copy_repository: Callable[[Path], None],
        ports: Ports,
        *,
        collector: Collector | None = None,
        verbose: bool = False,
    ) -> None:
        self._installation = installation
        self._copy_repository = copy_repository
        self._collector = collector
        self._verbose = verbose
        self._leaving = ExitStack()
        self._copies = count(1)
        self._process: ProcessGroup | None = None
        self._started_ns = 0
        self._listened_ns: int | None = None  # when it was first seen to listen on its ports
        self.ports = ports

    def __enter__(self) -> "Server":
        regions.remove_abandoned()  # first, since a server whose owner was killed may keep a port
        self.ports.check()
        with ExitStack() as entered:
            self.folder = entered.enter_context(scratch_folder(_temporary_folder(), prefix=regions.PREFIX))
            self._regions = regions.Regions(self.folder.name)
            entered.callback(self._regions.release)
            self._copy()
            entered.callback(self.end)
            self._start()
            self._leaving = entered.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if self._process is not None:
                drain(self._process.pid, http_port=self.ports.http, limit_s=EXIT_TIMEOUT_S)
        finally:
            self._leaving.close()

    def wait_ready(
        self, *, timeout_s: float = READY_TIMEOUT_S, cancelled: Callable[[], bool] = lambda: False
    ) -> Health:
        """Return once this server has classified the built-in image rightly, or `cancelled()` is true.

        Nothing is asked before this server's own process listens on its ports: another one may do so.

        Raises:
            OpsError: the server ended instead; the message has its first error.
            RefusedError: it answered, and not with the release's known answer.
            TimedOutError: it did not answer within `timeout_s`.
        """
        deadline = time.monotonic() + timeout_s
        state = _NOT_LISTENING
        with Client(self.ports.grpc_url) as client:
            while True:
                self.check_alive()
                remaining_s = max(deadline - time.monotonic(), _POLL_S)
                if self._listens():
                    state = client.health(timeout_s=min(remaining_s, DEFAULT_TIMEOUT_S))
                if cancelled() or (state.ok and state.known):
                    return state
                if state.answered:  # no waiting makes a wrong answer right, or an unknown one known
                    raise RefusedError(f"the server does not give the known answer: {state.reason}")
                if time.monotonic() > deadline:
                    reason = first_error(self._log) or self._pending() or state.reason
                    raise TimedOutError(f"the server was not ready within {timeout_s:g} s: {reason}")
                time.sleep(_POLL_S)

    def check_alive(self) -> None:
        """Do nothing while the process runs.

        Raises:
            OpsError: it ended; the message has its first error.
        """
        if self._process is None:
            raise OpsError("tritonserver was ended")
        status = self._process.poll()
        if status is not None:
            if self._listened_ns is None:
                self.ports.check()  # where another server took a port since the last check, this says which
            raise OpsError(f"tritonserver {self._reason(status)}")

    def end(self) -> None:
        """End the server and its stubs at once, whatever state they are in; a second call does nothing."""
        if self._process is not None:
            self._process.end()
            self._process = None
            self._regions.remove()
            _remove_environments(self._started_ns, self._listened_ns or time.time_ns())

    def restart(self) -> None:
        """End the server at once and start it anew: the same ports, the same repository. Does not wait.

        It serves the copy that was made at the start, without what came to lie in it since; where a byte of it has
        changed, the copy is made anew.

        Raises:
            OSError: the disk is full.
            Exception: whatever `copy_repository` raises.
        """
        self.end()
        remove_others(self._repository, self._copied)
        if digests(self._repository) != self._copied:
            self._copy()
        self._start()

    def bound_log(self) -> None:
        """Empty the log where it has grown large: Triton writes a line for each request that fails, for months."""
        if self._log.stat().st_size > _LONGEST_LOG_BYTES:
            os.truncate(self._log, 0)

    @property
    def pid(self) -> int:
        """Of the server's process.

        Raises:
            OpsError: `end` ended it.
        """
        if self._process is None:
            raise OpsError("tritonserver was ended")
        return self._process.pid

    def _reason(self, status: int) -> str:
        if status < 0:
            ended = f"was ended by {signal.Signals(-status).name}"
            # It aborts by itself, over what it wrote down; any other signal may have come from anywhere.
            error = first_error(self._log) if status == -signal.SIGABRT and not self._verbose else None
            return f"{ended}: {error}" if error else ended
        reason = "its log is above" if self._verbose else first_error(self._log) or last_line(self._log)
        return f"ended with status {status}: {reason}"

    def _pending(self) -> str | None:
        models = still_loading(self._log)
        return f"it was still loading {', '.join(models)}" if models else None

    @property
    def _log(self) -> Path:
        return self.folder / "tritonserver.log"

    def _listens(self) -> bool:
        """Whether this server's own process listens on all of its ports."""
        try:
            connections = psutil.Process(self.pid).net_connections("tcp")
        except psutil.Error:  # it has ended
            return False
        open_ports = {found.laddr.port for found in connections if found.status == psutil.CONN_LISTEN}
        if open_ports < {self.ports.http, self.ports.grpc, self.ports.metrics}:
            return False
        self._listened_ns = self._listened_ns or time.time_ns()
        return True

    def _copy(self) -> None:
        """Make the copy of the repository, in a new folder in case that what made it left something beside it."""
        for earlier in self.folder.glob("copy-*"):
            shutil.rmtree(earlier)
        folder = self.folder / f"copy-{next(self._copies)}"
        folder.mkdir()
        self._repository = folder / "repository"
        self._copy_repository(self._repository)
        self._copied = digests(self._repository)

    def _start(self) -> None:
        backends = self.folder / "backends"
        if backends.exists():
            shutil.rmtree(backends)
        self._installation.lay_out_backends(backends)
        line = command(
            self._installation.binary,
            repository=self._repository,
            backends=backends,
            regions=self._regions.prefix,
            ports=self.ports,
            exit_timeout_s=EXIT_TIMEOUT_S,
            collector=self._collector,
        )
        self._log.unlink(missing_ok=True)
        self._started_ns, self._listened_ns = time.time_ns(), None
        with self._log.open("ab") as log:  # appended to, so that it can be emptied meanwhile
            self._process = ProcessGroup(
                line,
                self._installation.environment(os.environ),
                sys.stderr if self._verbose else log,
                leftovers=str(PLACE / self._regions.prefix),
                prepare=regions.keep_private,
            )


def _remove_environments(since_ns: int, until_ns: int) -> None:
    """Remove the folders for Python environments that Triton's python backend made while it loaded its models.

    It makes two at each start, always below /tmp, and removes them only where it is stopped by SIGTERM. No release has
    such an environment, so they are empty; a folder that is in use is not, and stays.
    """
    for folder in Path("/tmp").glob("python_env_??????"):  # noqa: S108  named so in its source
        with suppress(OSError):
            made = folder.lstat()
            if made.st_uid == os.geteuid() and since_ns <= made.st_mtime_ns <= until_ns:
                folder.rmdir()


def _temporary_folder() -> Path:
    folder = Path(tempfile.gettempdir())
    if not _PLAIN_PATH.fullmatch(str(folder)):  # the python backend hands its stubs' paths to a shell
        raise UsageError(f"the temporary folder {str(folder)!r} has characters that Triton cannot take; set TMPDIR")
    return folder
