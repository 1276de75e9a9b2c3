"""A server's process with its children: started together, ended together, even where this process is killed."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

_LAUNCHER = Path(__file__).with_name("launcher.py")

# The guard of a group of processes. It blocks until this process has ended, however it ended, since the kernel then
# closes its standard input. A stopped process gets no SIGTERM before it is continued. $1: the group's id; $2: prefix
# of the paths of files that the group leaves behind when it is killed, or nothing.
_GUARD = """
read -r _
kill -s TERM -- "-$1" 2>/dev/null || exit 0
kill -s CONT -- "-$1" 2>/dev/null
tries=0
while kill -s 0 -- "-$1" 2>/dev/null && [ "$tries" -lt 80 ]; do
  sleep 0.1
  tries=$((tries + 1))
done
kill -s KILL -- "-$1" 2>/dev/null
[ -z "$2" ] || rm -f -- "$2"*
"""


class ProcessGroup:
    """A running server, the leader of a process group to which its children belong.

    command, environment, output: as for `subprocess.Popen`; output takes stdout and stderr
    leftovers:   prefix of the paths of files that are removed where this process and then the group were killed
    descriptors: open files that it may have, as far as this process may give them; 0: as many as this process
    is_private:  whether nothing that it creates may be read by other users

    The kernel ends the server by SIGTERM when the calling thread ends. A small shell beside it ends the whole group
    where this process was killed, also a group that is stopped.

    Raises:
        OSError: the command cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        output: IO[bytes] | IO[str],
        *,
        leftovers: str = "",
        descriptors: int = 0,
        is_private: bool = False,
    ) -> None:
        _require_program(command[0])
        launcher = [sys.executable, "-I", "-S", str(_LAUNCHER)]
        self._process = subprocess.Popen(
            [*launcher, str(os.getpid()), str(descriptors), str(int(is_private)), *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C reaches us alone, and one signal reaches all of its children
        )
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "triptych-guard", str(self._process.pid), leftovers],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Of the leader."""
        return self._process.pid

    def poll(self) -> int | None:
        """The leader's exit status, as `subprocess.Popen.poll` gives it; None while it runs."""
        return self._process.poll()

    def end(self) -> None:
        """End the whole group at once, whatever state it is in: dead, stopped, hung."""
        self._guard.kill()
        self._guard.wait()
        if self._guard.stdin:
            self._guard.stdin.close()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _require_program(path: str) -> None:
    """Raise what executing a file that is not there, or is no program, would raise."""
    if not Path(path).is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    if not os.access(path, os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
