"""The regions of shared memory of a tritonserver: for its user alone, and removed once no process owns them.

Triton's python backend passes tensors between the server and its stubs in files below /dev/shm, "regions", whose names
begin with a prefix that we choose. `launcher.py` keeps other users from reading them. After SIGKILL they stay, so the
owner of regions holds a lock on a file beside them, and each start of a server first removes the regions whose lock is
free.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

import psutil

from .shared_memory import PLACE

PREFIX = "triptych-serve-"
"""Begins the name of every region of a server that Triptych started."""

_OWNER = "owner"
_PROGRAMS = frozenset({"tritonserver", "triton_python_backend_stub"})
_ENDED_S = 5.0


class Regions:
    """The right to every region whose name begins with `prefix`, from now until `release`.

    Raises:
        OSError: /dev/shm cannot be written to.
    """

    def __init__(self, name: str) -> None:
        self.prefix = f"{name}-"
        self._owner = PLACE / f"{self.prefix}{_OWNER}"
        self._lock = self._locked()
        while not self._owner.exists():  # another start took it for abandoned between its making and its lock
            os.close(self._lock)
            self._lock = self._locked()

    def _locked(self) -> int:
        lock = os.open(self._owner, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return lock

    def remove(self) -> None:
        """Remove the regions of a server that has ended; the right to new ones stays."""
        _remove(self.prefix, but=self._owner)

    def release(self) -> None:
        """Remove the regions, and give up the right to them."""
        self.remove()
        self._owner.unlink(missing_ok=True)
        os.close(self._lock)


def remove_abandoned() -> None:
    """End the servers of this user whose owner was killed, and remove the regions that they left.

    Regions of a living owner are left alone, also where it lives in another container that shares /dev/shm.
    """
    for owner in PLACE.glob(f"{PREFIX}*-{_OWNER}"):
        # Not ours to open, gone already, no file at all, or its owner is at work: then it stays.
        with suppress(OSError):
            lock = os.open(owner, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    prefix = owner.name.removesuffix(_OWNER)
                    _end_processes(prefix.removesuffix("-"))
                    _remove(prefix, but=owner)
                    owner.unlink(missing_ok=True)
            finally:
                os.close(lock)


def _remove(prefix: str, *, but: Path) -> None:
    for region in PLACE.glob(f"{prefix}*"):
        if region != but:
            region.unlink(missing_ok=True)


def _end_processes(name: str) -> None:
    """End the tritonserver and the stubs whose command line has this name, stopped ones too."""
    ended = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            line = process.cmdline()
            if line and Path(line[0]).name in _PROGRAMS and any(name in argument for argument in line[1:]):
                process.kill()
                ended.append(process)
    psutil.wait_procs(ended, timeout=_ENDED_S)
