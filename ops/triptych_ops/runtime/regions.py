"""The regions of shared memory of a tritonserver: for its user alone, and removed once no process owns them.

Triton's python backend passes tensors between the server and its stubs in files below /dev/shm, "regions", whose names
begin with a prefix that we choose. What two faults of it are met with:

- It gives each region the mode 0644 by fchmod, whatever the umask is, so every user of the machine reads image bytes
  and labels. `keep_private` makes fchmod of the server and its stubs do nothing, by a filter of system calls
  (https://docs.kernel.org/userspace-api/seccomp_filter.html), and sets a umask that leaves 0600.
- After SIGKILL the regions stay. So the owner of regions holds a lock on a file beside them, and each start of a
  server first removes the regions whose lock is free.
"""

import ctypes
import fcntl
import os
import platform
from contextlib import suppress
from pathlib import Path

import psutil

from .shared_memory import PLACE

PREFIX = "triptych-serve-"
"""Begins the name of every region of a server that Triptych started."""

_OWNER = "owner"
_PROGRAMS = frozenset({"tritonserver", "triton_python_backend_stub"})
_ENDED_S = 5.0

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_SPEC_ALLOW = 1, 4
# Machine -> its number in the kernel's audit, of the system call seccomp, of fchmod.
_NUMBERS = {"x86_64": (0xC000003E, 317, 91), "aarch64": (0xC00000B7, 277, 52)}
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # of the filter's language, linux/bpf_common.h
_ALLOW, _SUCCEED_WITHOUT_EFFECT = 0x7FFF0000, 0x00050000  # SECCOMP_RET_ALLOW; SECCOMP_RET_ERRNO with errno 0


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Instruction)))


class Regions:
    """The right to every region whose name begins with `prefix`, from now until `release`.

    Raises:
        OSError: /dev/shm cannot be written to.
    """

    def __init__(self, name: str) -> None:
        self.prefix = f"{name}-"
        self._owner = PLACE / f"{self.prefix}{_OWNER}"
        self._lock = os.open(self._owner, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

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


def keep_private() -> None:
    """Make all that this process and its children create readable by this user alone. Cannot be undone.

    Where the machine or the kernel has no such filter, only the umask is set.
    """
    os.umask(0o077)
    if _FILTER is None:
        return
    if os.geteuid() != 0:  # the kernel's condition for others than root
        _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    program, number = _FILTER
    _LIBC.syscall(number, _SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_SPEC_ALLOW, ctypes.byref(program))


def _filter() -> tuple[_Program, int] | None:
    """The filter, and the number of the system call that installs it; made before any fork."""
    if platform.machine() not in _NUMBERS:
        return None
    audit, seccomp, fchmod = _NUMBERS[platform.machine()]
    instructions = (_Instruction * 6)(
        _Instruction(_LOAD, 0, 0, 4),  # the machine that the call is for
        _Instruction(_JUMP_IF_EQUAL, 0, 2, audit),
        _Instruction(_LOAD, 0, 0, 0),  # the number of the call
        _Instruction(_JUMP_IF_EQUAL, 1, 0, fchmod),
        _Instruction(_RETURN, 0, 0, _ALLOW),
        _Instruction(_RETURN, 0, 0, _SUCCEED_WITHOUT_EFFECT),
    )
    return _Program(len(instructions), instructions), seccomp


_FILTER = _filter()


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
