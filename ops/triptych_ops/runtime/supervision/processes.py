"""The processes of a server, as the kernel sees them."""

from collections.abc import Mapping
from pathlib import Path

import psutil

from .judgement import Condition

_STUB = "triton_python_backend_stub"
_CONDITIONS = {
    psutil.STATUS_STOPPED: Condition.STOPPED,  # a traced process has another status: a debugger is no fault
    psutil.STATUS_ZOMBIE: Condition.ENDED,
    psutil.STATUS_DEAD: Condition.ENDED,
}


class Processes:
    """A server that is ready, and the stubs that it has then: there never come others."""

    def __init__(self, pid: int) -> None:
        server = psutil.Process(pid)
        self._names = {process: _name(process) for process in (server, *server.children())}

    def look(self) -> Mapping[str, Condition]:
        """The condition of each, by what people call it."""
        return {name: _condition(process) for process, name in self._names.items()}


def _condition(process: psutil.Process) -> Condition:
    try:
        # Without is_running, a process that took over the pid would do.
        return _CONDITIONS.get(process.status(), Condition.RUNNING) if process.is_running() else Condition.ENDED
    except psutil.NoSuchProcess:
        return Condition.ENDED


def _name(process: psutil.Process) -> str:
    """A stub's command line is STUB <repository>/MODEL/VERSION/FILE REGION … INSTANCE BACKEND."""
    try:
        line = process.cmdline()
    except psutil.NoSuchProcess:
        line = []
    if len(line) > 3 and Path(line[0]).name == _STUB:
        return f"the stub of {Path(line[1]).parents[1].name} (instance {line[-2]}, pid {process.pid})"
    return f"{process.name()} (pid {process.pid})"
