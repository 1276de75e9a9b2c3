"""A tritonserver's process with its stubs: started together, ended together."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  where Triton's python backend keeps its regions
_PR_SET_PDEATHSIG = 1
_PRCTL = ctypes.CDLL(None).prctl  # found before any fork: other threads may hold the loader's lock then


def start(
    command: Sequence[str], environment: Mapping[str, str], output: IO[bytes] | IO[str]
) -> subprocess.Popen[bytes]:
    """Start a server as the leader of a group of its own, to which its stubs will belong.

    The kernel ends it by SIGTERM when the calling thread ends.
    """
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,  # Ctrl-C reaches us alone, and one signal reaches all of its stubs
        preexec_fn=_die_with_parent,
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """End a server and its stubs at once, whatever state they are in: dead, stopped, hung."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def remove_regions(prefix: str) -> None:
    """Remove the shared memory that a server, which has ended, left."""
    for region in _SHARED_MEMORY.glob(f"{prefix}*"):
        region.unlink(missing_ok=True)


def _die_with_parent() -> None:
    _PRCTL(_PR_SET_PDEATHSIG, signal.SIGTERM)
