"""A server's process with its children: started together, ended together, even where this process is killed."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO

_PR_SET_PDEATHSIG = 1
_PRCTL = ctypes.CDLL(None).prctl  # found before any fork: other threads may hold the loader's lock then

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
    leftovers: prefix of the paths of files that are removed where this process and then the group were killed
    prepare:   runs in the new process before the command; see `preexec_fn` of `subprocess.Popen`

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
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        def before_exec() -> None:
            _PRCTL(_PR_SET_PDEATHSIG, signal.SIGTERM)
            prepare()

        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C reaches us alone, and one signal reaches all of its children
            preexec_fn=before_exec,
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
