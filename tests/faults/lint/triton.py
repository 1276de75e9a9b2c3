"""The verdict of the real Triton on a repository: does it start with the flags of production?"""

import os
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from triptych_ops.runtime import Ports, find_installation
from triptych_ops.runtime.command import command
from triptych_ops.runtime.log import first_error, last_line
from triptych_ops.runtime.process import ProcessGroup
from triptych_ops.runtime.regions import Regions

VERSION = "2.51.0"
"""Of the nvidia-pytriton wheel. Lint's verdicts are held to this Triton."""

_READY_WITHIN_S = 60.0
# What 2.51 reports when a model's process is lost. It then neither ends nor becomes ready, whatever one waits.
_LOST = (
    "Failed to preinitialize Python stub",  # a version folder without model.py
    "terminate called after throwing",  # the same, as the server sees it
    "pb_stub.cc:2059]  Expected 9 arguments",  # a name that the shell takes apart
)
_PORT_IN_USE = "already in use"
_POLL_S = 0.03


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether Triton serves a repository, and what it said if not."""

    serves: bool
    reason: str = ""


def verdict(repository: Path) -> Verdict:
    """Start Triton on a repository, and end it.

    It serves the repository when it is ready for all of it. It refuses the repository when it ends by itself, by a
    crash too, or when it reports that a model's process is lost.

    Raises:
        TimeoutError: it does neither within a minute.
    """
    given = _start(repository)
    while _PORT_IN_USE in given.reason:  # another program took the port first
        given = _start(repository)
    return given


def _start(repository: Path) -> Verdict:
    with tempfile.TemporaryDirectory(prefix="lint-verdict-") as name:
        folder = Path(name)
        installation = find_installation({})
        installation.lay_out_backends(folder / "backends")
        ports, regions = Ports.free(), Regions(f"triptych-serve-{folder.name}")
        line = command(
            installation.binary,
            repository=repository,
            backends=folder / "backends",
            regions=regions.prefix,
            ports=ports,
            exit_timeout_s=1,
        )
        log = folder / "log"
        with log.open("wb") as output:
            server = ProcessGroup(line, installation.environment(os.environ), output)
        try:
            return _watch(server, ports, log)
        finally:
            server.end()
            regions.release()


def _watch(server: ProcessGroup, ports: Ports, log: Path) -> Verdict:
    deadline = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < deadline:
        status = server.poll()
        if status is not None:
            return Verdict(serves=False, reason=f"ended with {status}: {first_error(log) or last_line(log)}")
        if _is_ready(ports):
            return Verdict(serves=True)
        text = log.read_text(encoding="utf-8", errors="replace")
        if lost := next((words for words in _LOST if words in text), None):
            return Verdict(serves=False, reason=f"lost a model's process: {lost}")
        time.sleep(_POLL_S)
    raise TimeoutError(f"Triton neither became ready nor ended within {_READY_WITHIN_S:g} s: {last_line(log)}")


def _is_ready(ports: Ports) -> bool:
    try:
        with urllib.request.urlopen(f"{ports.http_url}/v2/health/ready", timeout=1) as answer:
            return int(answer.status) == 200
    except OSError:
        return False
