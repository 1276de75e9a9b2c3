"""One running tritonserver: start, wait for a true answer, stop, leave nothing behind."""

import ctypes
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

from triptych import Client, Health
from triptych.client import DEFAULT_TIMEOUT_S
from triptych_ops.errors import OpsError, RefusedError, TimedOutError, UsageError
from triptych_ops.scratch import scratch_folder

from .installation import Installation
from .log import first_error, last_line
from .ports import LOOPBACK, Ports

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  where Triton's python backend keeps its regions
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # loaded before any fork

_FLAGS = (
    # A serving process never loads or unloads: what is served is what was there at the start.
    "--model-control-mode=none",
    "--disable-auto-complete-config",
    "--exit-on-error=true",
    "--strict-readiness=true",
    "--allow-sagemaker=false",
    "--allow-vertex-ai=false",
)

_UNUSED_APIS = ("model-repository", "shared-memory", "trace", "logging")
"""What no client of a serving process needs; closed by a header that nobody knows."""

READY_TIMEOUT_S = 60.0
"""A start takes one or two seconds; a cold disk on a busy machine takes many times that."""

EXIT_TIMEOUT_S = 5
"""What requests under way get at SIGTERM, the slowest many times over; an idle connection can use it up."""

_KILL_AFTER_S = EXIT_TIMEOUT_S + 5
_POLL_S = 0.05
_PLAIN_PATH = re.compile(r"[\w./,:@%+=-]+", re.ASCII)


class Server:
    """A tritonserver on loopback serving one model repository. Use it as a context manager.

    copy_repository: fills the new folder that it is called with. Triton always serves a copy: its stubs
                     ignore PYTHONDONTWRITEBYTECODE and write beside their sources.
    verbose:         Triton's log goes to stderr

    Entering starts the process and does not wait; leaving stops it with its stubs, and removes its
    shared memory and temporary files. Should this process be killed, or the thread that entered end, the
    kernel ends the server: enter in the main thread.

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
        verbose: bool = False,
    ) -> None:
        self._installation = installation
        self._copy_repository = copy_repository
        self._verbose = verbose
        self._leaving = ExitStack()
        self.ports = ports

    def __enter__(self) -> "Server":
        self.ports.check()
        with ExitStack() as started:
            self._folder = started.enter_context(scratch_folder(_temporary_folder(), prefix="triptych-serve-"))
            self._installation.lay_out_backends(self._folder / "backends")
            self._copy_repository(self._folder / "repository")
            started.callback(_remove_regions, self._regions)
            self._process = self._start()
            started.callback(_stop, self._process)
            self._leaving = started.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leaving.close()

    def wait_ready(
        self, *, timeout_s: float = READY_TIMEOUT_S, cancelled: Callable[[], bool] = lambda: False
    ) -> Health:
        """Return once the server has classified the built-in image rightly, or `cancelled()` is true.

        Raises:
            OpsError: the server ended instead; the message has its first error.
            RefusedError: it answered, and not with the release's known answer.
            TimedOutError: it did not answer within `timeout_s`.
        """
        deadline = time.monotonic() + timeout_s
        with Client(self.ports.grpc_url) as client:
            while True:
                self.check_alive()
                remaining_s = max(deadline - time.monotonic(), _POLL_S)
                state = client.health(timeout_s=min(remaining_s, DEFAULT_TIMEOUT_S))
                if cancelled() or (state.ok and state.known):
                    return state
                if state.answered:  # no waiting makes a wrong answer right, or an unknown one known
                    raise RefusedError(f"the server does not give the known answer: {state.reason}")
                if time.monotonic() > deadline:
                    reason = first_error(self._log) or state.reason
                    raise TimedOutError(f"the server was not ready within {timeout_s:g} s: {reason}")
                time.sleep(_POLL_S)

    def check_alive(self) -> None:
        """Do nothing while the process runs.

        Raises:
            OpsError: it ended by itself; the message has its first error.
        """
        status = self._process.poll()
        if status is not None:
            raise OpsError(f"tritonserver {self._reason(status)}")

    def _reason(self, status: int) -> str:
        if status < 0:
            return f"was ended by {signal.Signals(-status).name}"
        reason = "its log is above" if self._verbose else first_error(self._log) or last_line(self._log)
        return f"ended with status {status}: {reason}"

    @property
    def _log(self) -> Path:
        return self._folder / "tritonserver.log"

    @property
    def _regions(self) -> str:
        """Prefix of the server's shared memory; the random end of the folder's name makes it this server's own."""
        return f"{self._folder.name}-"

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("wb") as log:
            return subprocess.Popen(
                self._command(),
                env=self._installation.environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr if self._verbose else log,
                stderr=sys.stderr if self._verbose else log,
                start_new_session=True,  # Ctrl-C reaches us alone, and one signal reaches all of its stubs
                preexec_fn=_die_with_parent,
            )

    def _command(self) -> list[str]:
        return [
            str(self._installation.binary),
            f"--model-repository={self._folder / 'repository'}",
            f"--backend-directory={self._folder / 'backends'}",
            f"--backend-config=python,shm-region-prefix-name={self._regions}",
            *(f"--{service}-address={LOOPBACK}" for service in ("http", "grpc", "metrics")),
            f"--http-port={self.ports.http}",
            f"--grpc-port={self.ports.grpc}",
            f"--metrics-port={self.ports.metrics}",
            f"--exit-timeout-secs={EXIT_TIMEOUT_S}",
            f"--http-restricted-api={','.join(_UNUSED_APIS)}:{_nobodys_key()}",
            f"--grpc-restricted-protocol={','.join(_UNUSED_APIS)}:{_nobodys_key()}",
            *_FLAGS,
        ]


def _temporary_folder() -> Path:
    folder = Path(tempfile.gettempdir())
    if not _PLAIN_PATH.fullmatch(str(folder)):  # the python backend hands its stubs' paths to a shell
        raise UsageError(f"the temporary folder {str(folder)!r} has characters that Triton cannot take; set TMPDIR")
    return folder


def _nobodys_key() -> str:
    return f"triptych-closed={secrets.token_hex()}"


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_KILL_AFTER_S)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the stubs of a server that ended without them, too
        process.wait()


def _remove_regions(prefix: str) -> None:
    for region in _SHARED_MEMORY.glob(f"{prefix}*"):
        region.unlink(missing_ok=True)


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
