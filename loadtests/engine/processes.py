"""The generator processes of this machine: started together, told to begin together, stopped together."""

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event
from types import TracebackType
from typing import IO, Any, Final, TypeAlias

from loadtests.errors import LoadTestError

Said: TypeAlias = Mapping[str, Any]

_ROOT: Final = Path(__file__).parents[2]  # so that a checkout's are found from anywhere
_LOOK_S: Final = 0.1
_READY_S: Final = 60.0
_STOP_S: Final = 15.0


class LostError(LoadTestError):
    """A generator process ended before its time."""


class GeneratorProcesses:
    """One process a task; running once entered, and ended when left."""

    def __init__(self, tasks: Sequence[Mapping[str, Any]]) -> None:
        self._tasks = tasks
        self._processes: list[subprocess.Popen[str]] = []
        self._logs: list[IO[bytes]] = []
        self._said: queue.SimpleQueue[tuple[int, Said | None]] = queue.SimpleQueue()

    def __enter__(self) -> "GeneratorProcesses":
        try:
            for process, task in enumerate(self._tasks):
                self._start(process, task)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()
        for process in self._processes:
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    with suppress(OSError):
                        pipe.close()
        for log in self._logs:
            log.close()

    def begin(self, *, in_s: float, stop: Event) -> None:
        """Wait until all are ready, then tell all to begin so many seconds from now.

        Raises:
            LostError: one ended, or was not ready in time.
        """
        waiting, deadline = set(range(len(self._processes))), time.monotonic() + _READY_S
        while waiting and not stop.is_set():
            process, said = self._next(deadline - time.monotonic())
            if said is None or not said.get("ready"):
                raise LostError(self._lost(process))
            waiting.discard(process)
        begins_at = time.monotonic() + in_s
        for each in self._processes:
            self._tell(each, f"{begins_at:.6f}\n")

    def said(self, stop: Event) -> Iterator[tuple[int, Said]]:
        """What they say, until all are done; `stop` ends them.

        Raises:
            LostError: one ended before it was done; the others are stopped, and what they say still comes first.
        """
        at_work, lost, told = set(range(len(self._processes))), list[int](), False
        while at_work:
            if stop.is_set() and not told:
                self._stop()
                told = True
            try:
                process, said = self._said.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            if said is None:
                if process in at_work:
                    at_work.discard(process)
                    lost.append(process)
                    self._stop()
            else:
                if said.get("done"):
                    at_work.discard(process)
                yield process, said
        if lost:
            raise LostError(self._lost(lost[0]))

    def _start(self, process: int, task: Mapping[str, Any]) -> None:
        log = TemporaryFile()  # noqa: SIM115  closed when left
        self._logs.append(log)
        started = subprocess.Popen(
            [sys.executable, "-m", "loadtests.engine.process"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,  # Ctrl-C is this process's to hand on
        )
        self._processes.append(started)
        self._tell(started, json.dumps(task) + "\n")
        threading.Thread(target=self._listen, args=(process, started), daemon=True).start()

    def _listen(self, process: int, started: subprocess.Popen[str]) -> None:
        assert started.stdout is not None  # noqa: S101  for the type checker
        with suppress(ValueError, OSError):  # half a line of one that was killed; a pipe that was closed
            for line in started.stdout:
                self._said.put((process, json.loads(line)))
        self._said.put((process, None))

    def _next(self, timeout_s: float) -> tuple[int, Said | None]:
        try:
            return self._said.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            raise LostError(f"the generator processes were not ready within {_READY_S:g} s") from None

    def _tell(self, process: subprocess.Popen[str], line: str) -> None:
        assert process.stdin is not None  # noqa: S101  for the type checker
        with suppress(OSError):  # it has gone, which reading from it will show
            process.stdin.write(line)
            process.stdin.flush()

    def _stop(self) -> None:
        for process in self._processes:
            with suppress(ProcessLookupError):
                process.terminate()

    def _lost(self, process: int) -> str:
        status = self._processes[process].wait(_STOP_S)
        log = self._logs[process]
        log.seek(0)
        last = log.read().decode(errors="replace").strip().splitlines()[-1:]
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        return f"generator process {process} ended {how}" + (f": {last[0]}" if last else "")
