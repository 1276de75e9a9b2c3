"""One running tritonserver: start, wait for a true answer, stop, leave nothing behind."""

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from triptych import Client, Health
from triptych_ops.errors import OpsError, TimedOutError

from .installation import Installation
from .log import first_error
from .ports import LOOPBACK, Ports

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  where Triton's python backend keeps its regions
_PR_SET_PDEATHSIG = 1

_FLAGS = (
    # A serving process never loads or unloads: what is served is what was there at the start.
    "--model-control-mode=none",
    "--disable-auto-complete-config",
    "--exit-on-error=true",
    "--strict-readiness=true",
    "--allow-sagemaker=false",
    "--allow-vertex-ai=false",
)

EXIT_TIMEOUT_S = 10
"""What requests under way get at SIGTERM; Triton counts an idle keep-alive connection as one."""

_KILL_AFTER_S = EXIT_TIMEOUT_S + 5
_POLL_S = 0.05


class Server:
    """A tritonserver on loopback serving one model repository. Use it as a context manager.

    Entering starts the process and does not wait; leaving stops it with its stubs, and removes its
    shared memory and temporary files. Should this process be killed, the kernel ends the server.

    Raises:
        OpsError: a port is in use.
    """

    def __init__(self, installation: Installation, repository: Path, ports: Ports, *, verbose: bool = False) -> None:
        self._installation = installation
        self._repository = repository
        self._verbose = verbose
        self._process: subprocess.Popen[bytes] | None = None
        self._shared_memory_prefix = f"triptych-{os.getpid()}-{uuid.uuid4().hex[:8]}-"
        self.ports = ports

    def __enter__(self) -> "Server":
        self.ports.check()
        self._folder = Path(tempfile.mkdtemp(prefix="triptych-serve-"))
        self._log = self._folder / "tritonserver.log"
        try:
            self._installation.lay_out_backends(self._folder / "backends")
            # Served from a copy: the stubs, which ignore PYTHONDONTWRITEBYTECODE, write beside their sources.
            shutil.copytree(self._repository, self._folder / "repository")
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    self._command(),
                    env=self._installation.environment(os.environ),
                    stdin=subprocess.DEVNULL,
                    stdout=None if self._verbose else log,
                    stderr=None if self._verbose else log,
                    start_new_session=True,  # Ctrl-C reaches us alone, and one signal reaches all of its stubs
                    preexec_fn=_die_with_parent,
                )
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def wait_ready(self, *, timeout_s: float = 60.0, cancelled: Callable[[], bool] = lambda: False) -> Health:
        """Return once the server has classified the built-in image rightly, or `cancelled()` is true.

        Raises:
            OpsError: the server ended instead; the message has its first error.
            TimedOutError: it did not answer rightly within `timeout_s`.
        """
        deadline = time.monotonic() + timeout_s
        with Client(self.ports.grpc_url) as client:
            while True:
                self.check_alive()
                state = client.health()
                if state.ok or cancelled():
                    return state
                if time.monotonic() > deadline:
                    raise TimedOutError(f"the server was not ready within {timeout_s:g} s: {state.reason}")
                time.sleep(_POLL_S)

    def check_alive(self) -> None:
        """Do nothing while the process runs.

        Raises:
            OpsError: it ended by itself; the message has its first error.
        """
        assert self._process is not None, "the server was never started"  # noqa: S101
        status = self._process.poll()
        if status is not None:
            raise OpsError(f"tritonserver ended with status {status}: {first_error(self._log)}")

    def stop(self) -> None:
        """Stop the process and everything it started; a second call does nothing."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_KILL_AFTER_S)
            finally:
                _kill_group(process.pid)
                process.wait()
        for region in _SHARED_MEMORY.glob(f"{self._shared_memory_prefix}*"):
            region.unlink(missing_ok=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _command(self) -> list[str]:
        return [
            str(self._installation.binary),
            f"--model-repository={self._folder / 'repository'}",
            f"--backend-directory={self._folder / 'backends'}",
            f"--backend-config=python,shm-region-prefix-name={self._shared_memory_prefix}",
            *(f"--{service}-address={LOOPBACK}" for service in ("http", "grpc", "metrics")),
            f"--http-port={self.ports.http}",
            f"--grpc-port={self.ports.grpc}",
            f"--metrics-port={self.ports.metrics}",
            f"--exit-timeout-secs={EXIT_TIMEOUT_S}",
            *_FLAGS,
        ]


def _kill_group(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
