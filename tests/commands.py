"""Runs the `triptych` command as a user does: in a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

from triptych_ops.runtime import Ports

TRIPTYCH = Path(sys.prefix) / "bin" / "triptych"


def triptych(
    *arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None, timeout_s: float = 240
) -> subprocess.CompletedProcess[str]:
    """`triptych ARGUMENTS…` to its end."""
    return subprocess.run(
        [str(TRIPTYCH), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        check=False,
    )


class Serving:
    """`triptych serve OPTIONS…` of a store's newest release on free ports, ready once entered.

    Its temporary files lie in `scratch`, so that it shares them with no other server of this machine.
    """

    def __init__(self, store: Path, scratch: Path, *options: object) -> None:
        self.store = store
        self._options = tuple(map(str, options))
        self.ports = Ports.free()
        self._scratch = scratch
        self._folders: set[str] = set()

    def __enter__(self) -> "Serving":
        self.start()
        assert self.process.stdout is not None
        self.banner = self.process.stdout.readline()
        if not self.banner.startswith("ready"):
            _, errors = self.process.communicate(timeout=30)
            raise AssertionError(f"triptych serve was not ready: {self.banner}{errors}")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(signal.SIGTERM)

    def start(self) -> None:
        """Start the process without waiting for it."""
        ports = self.ports
        command = [
            *(str(TRIPTYCH), "serve", "--store", str(self.store)),
            *("--http-port", str(ports.http), "--grpc-port", str(ports.grpc), "--metrics-port", str(ports.metrics)),
            *self._options,
        ]
        environment = {**os.environ, "TMPDIR": str(self._scratch)}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )

    def stop(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal and wait; the exit status and what it said on stderr."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors

    def traces(self) -> set[Path]:
        """What it keeps on disk and in shared memory now. The regions are named after the folder."""
        folders = set(self._scratch.glob("triptych-serve-*"))
        self._folders |= {folder.name for folder in folders}
        regions = Path("/dev/shm").glob("triptych-serve-*")  # noqa: S108
        return folders | {region for region in regions if region.name.startswith(tuple(self._folders))}

    def children(self) -> list[psutil.Process]:
        """Tritonserver and its stubs."""
        return [process for process in psutil.Process(self.process.pid).children(recursive=True) if not _guard(process)]

    def guards(self) -> list[psutil.Process]:
        """What ends the others where `serve` is killed."""
        return [process for process in psutil.Process(self.process.pid).children() if _guard(process)]

    def stubs(self) -> dict[str, psutil.Process]:
        """The python stub of each model."""
        lines = {process: process.cmdline() for process in self.children()}
        return {
            Path(line[1]).parents[1].name: process
            for process, line in lines.items()
            if line[0].endswith("triton_python_backend_stub")
        }


def _guard(process: psutil.Process) -> bool:
    try:
        return "triptych-guard" in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def gone(processes: list[psutil.Process], *, within_s: float) -> bool:
    """Whether all of these processes end within a time."""
    _, alive = psutil.wait_procs(processes, timeout=within_s)
    return all(process.status() == psutil.STATUS_ZOMBIE for process in alive)
