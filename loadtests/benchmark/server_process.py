"""A server of this machine, started by its command and stopped with all of its processes."""

import ctypes
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

import psutil

from .http_messages import MalformedAnswerError
from .load import Question, ReadClass, judge
from .one_call import call

LOOPBACK = "127.0.0.1"

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # loaded before any fork
_POLL_S = 0.01
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 15.0
_ROOT = Path(__file__).parents[2]

# The processes of a contestant are as many as there are cores: a library's own threads would only stand in their way.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class ServerFailedError(Exception):
    """A server that ended, or never answered rightly; the message has the end of its log."""


class ServerProcess:
    """A server on loopback, running once entered. Its output goes to a log that only an error shows."""

    def __init__(self, name: str, command: Sequence[str], *, port: int, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.address = (LOOPBACK, port)
        self._command = list(command)
        self._env = {**os.environ, **_ONE_THREAD, "PYTHONPATH": str(_ROOT), **(env or {})}
        self._leaving = ExitStack()

    def __enter__(self) -> "ServerProcess":
        with ExitStack() as started:
            self._log = started.enter_context(tempfile.TemporaryFile())
            self._started_at = time.perf_counter()
            self._process = subprocess.Popen(
                self._command,
                cwd=_ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
            started.callback(self._stop)
            self._leaving = started.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leaving.close()

    def wait_true_answer(self, question: Question, read_class: ReadClass) -> float:
        """Ask until the answer is right; seconds since the start.

        Raises:
            ServerFailedError: the server ended instead, or was not right within a minute.
        """
        wrong: str | None = "nothing"
        while wrong is not None:
            if self._process.poll() is not None:
                raise ServerFailedError(
                    f"{self.name} ended with status {self._process.returncode}: {self._last_words()}"
                )
            if time.perf_counter() - self._started_at > _START_TIMEOUT_S:
                raise ServerFailedError(f"{self.name} was not ready within {_START_TIMEOUT_S:g} s: {wrong}")
            try:
                wrong = judge(call(self.address, question.request), question, read_class)
            except (OSError, MalformedAnswerError) as error:
                wrong = repr(error)
            if wrong is not None:
                time.sleep(_POLL_S)
        return time.perf_counter() - self._started_at

    def processes(self) -> list[psutil.Process]:
        """The started process and all below it."""
        try:
            root = psutil.Process(self._process.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            raise ServerFailedError(f"{self.name} ended while it was measured: {self._last_words()}") from None

    def _last_words(self) -> str:
        self._log.seek(0)
        return " | ".join(self._log.read().decode(errors="replace").splitlines()[-5:])

    def _stop(self) -> None:
        below = self._children()
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_TIMEOUT_S)
        finally:
            for process in below:  # those of a server that ended without them
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _children(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self._process.pid).children(recursive=True)
        return []


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nothing listens on now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server((LOOPBACK, 0))) for _ in range(count)]
        return [listening.getsockname()[1] for listening in sockets]
