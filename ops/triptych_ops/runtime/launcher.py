"""Prepares its own process and becomes a command; a script of its own, started by `process.py`.

    python -I -S launcher.py PARENT DESCRIPTORS PRIVATE COMMAND …

PARENT is the process that starts it: the kernel sends SIGTERM when the thread of it that did so ends. DESCRIPTORS is
the soft limit of open files, 0 for the one that is there. PRIVATE is 1 where nothing that the command creates may be
read by other users, else 0.

A `preexec_fn` of `subprocess.Popen` would do the same in a forked copy of a process with threads, where it can hang or
abort, and where the fork handlers of gRPC and of the SDK would run first.
"""

import ctypes
import os
import platform
import resource
import signal
import sys

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_SPEC_ALLOW = 1, 4
# Machine -> its number in the kernel's audit, of the system call seccomp, of fchmod.
_NUMBERS = {"x86_64": (0xC000003E, 317, 91), "aarch64": (0xC00000B7, 277, 52)}
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # of the filter's language, linux/bpf_common.h
_ALLOW, _SUCCEED_WITHOUT_EFFECT = 0x7FFF0000, 0x00050000  # SECCOMP_RET_ALLOW; SECCOMP_RET_ERRNO with errno 0


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Instruction)))


def main(parent: str, descriptors: str, private: str, *command: str) -> None:
    """Become the command.

    Raises:
        OSError: it cannot be executed.
    """
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):  # it ended before the kernel was asked
        sys.exit(1)
    if int(descriptors):
        _raise_descriptors(int(descriptors))
    if int(private):
        _keep_private()
    os.execv(command[0], command)  # noqa: S606  that is its purpose


def _raise_descriptors(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _keep_private() -> None:
    """Make all that this process and its children create readable by this user alone. Cannot be undone.

    Triton's python backend gives the files in shared memory the mode 0644 by fchmod, whatever the umask is. A filter of
    system calls makes fchmod do nothing, so that the umask decides. Where the machine or the kernel has no such filter,
    only the umask is set. https://docs.kernel.org/userspace-api/seccomp_filter.html
    """
    os.umask(0o077)
    if platform.machine() not in _NUMBERS:
        return
    audit, seccomp, fchmod = _NUMBERS[platform.machine()]
    instructions = (_Instruction * 6)(
        _Instruction(_LOAD, 0, 0, 4),  # the machine that the call is for
        _Instruction(_JUMP_IF_EQUAL, 0, 2, audit),
        _Instruction(_LOAD, 0, 0, 0),  # the number of the call
        _Instruction(_JUMP_IF_EQUAL, 1, 0, fchmod),
        _Instruction(_RETURN, 0, 0, _ALLOW),
        _Instruction(_RETURN, 0, 0, _SUCCEED_WITHOUT_EFFECT),
    )
    program = _Program(len(instructions), instructions)
    if os.geteuid() != 0:  # the kernel's condition for others than root
        _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _LIBC.syscall(seccomp, _SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_SPEC_ALLOW, ctypes.byref(program))


if __name__ == "__main__":
    main(*sys.argv[1:])
