"""Whether gRPC works in a child process that was made by a fork.

gRPC's core prepares itself for a fork only while no thread is inside it. Then a child can use gRPC, with channels of
its own. Otherwise calls in the child wait out their deadlines, or end the process. So before a fork new calls of the
SDK are held back, those under way get a moment to end, and the child remembers whether a thread was still inside gRPC.

Source: https://github.com/grpc/grpc/blob/master/doc/fork_support.md
"""

import asyncio
import ctypes
import os
import sys
import threading
import time
from contextlib import suppress
from importlib import import_module
from typing import Final

from .. import forks
from ..errors import InvalidUseError

DRAIN_S: Final = 0.5
"""How long a fork waits for gRPC calls under way: usual answers take a tenth."""

_LOOK_S = 0.001
_SUPPORT = "GRPC_ENABLE_FORK_SUPPORT"
_OFF = frozenset({"0", "false", "f", "no", "n"})
_BROKEN = (
    "gRPC cannot be used in this process: it was forked while its parent process was inside gRPC (with a call under "
    "way, an open AsyncClient, or a gRPC server){support}. Fork before the parent's first gRPC call, start worker "
    "processes with multiprocessing's 'spawn' or 'forkserver', or use an http:// URL"
)


class CallGate:
    """The calls of the SDK that are inside gRPC, and whether gRPC can be used in this process. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()  # on a reentrant lock: a signal's handler may fork
        self._under_way = 0
        self._forks = 0  # that are about to happen
        self._used = False
        self._broken = False
        self._forking = threading.local()  # `busy`: whether a thread is inside gRPC while this one forks
        forks.at_fork(before=self._before, after_in_parent=self._in_parent, after_in_child=self._in_child)

    def enter(self, timeout_s: float | None) -> None:
        """Count a call, which waits while a fork is about to happen.

        timeout_s: what the call may take; None: it belongs to one that is already counted, and does not wait

        Raises:
            InvalidUseError: gRPC does not work in this process.
            TimeoutError: the fork took all the time of the call.
        """
        self.check()
        with self._changed:
            if self._forks and timeout_s is not None:
                longest_s = min(timeout_s, 2 * DRAIN_S)
                if not self._changed.wait_for(lambda: not self._forks, longest_s) and longest_s == timeout_s:
                    raise TimeoutError("a fork took all the time of this call")
            self._used = True
            self._under_way += 1

    def check(self) -> None:
        """Do nothing where gRPC works in this process.

        Raises:
            InvalidUseError: it does not.
        """
        if self._broken:
            support = f", and {_SUPPORT} switches gRPC's support for forks off" if _is_switched_off() else ""
            raise InvalidUseError(_BROKEN.format(support=support))

    async def pause(self) -> None:
        """Wait while a fork is about to happen, before a call of an event loop, which must not be blocked."""
        while self._forks:
            await asyncio.sleep(_LOOK_S)

    def leave(self) -> None:
        """A counted call has ended."""
        with self._changed:
            self._under_way -= 1
            if self._forks:
                self._changed.notify_all()

    def _before(self) -> None:
        with self._changed:
            self._forks += 1
            deadline = time.monotonic() + DRAIN_S
            # Also where gRPC will be refused in the child: an asynchronous call under way can crash it.
            self._changed.wait_for(lambda: not self._under_way, timeout=DRAIN_S)
            if _has_threads() or (self._used and _is_switched_off()):
                self._forking.busy = True
                return
            while (busy := self._under_way > 0 or _is_inside()) and time.monotonic() < deadline:
                self._changed.wait(_LOOK_S)
            self._forking.busy = busy

    def _in_parent(self) -> None:
        with self._changed:
            self._forks -= 1
            self._changed.notify_all()

    def _in_child(self) -> None:
        self._changed = threading.Condition()
        self._under_way = self._forks = 0
        self._broken = self._broken or self._forking.busy


CALLS: Final = CallGate()

with suppress(ImportError):
    # Else the first channel imports it; a fork in that moment would leave the lock of the module held in the child.
    import_module("grpc._channel")


def keep_for_ever(inherited: object) -> None:
    """Keep an object of the parent process alive to the end of this one.

    The destructor of a channel would tell the server, on the parent's own connection, that it is closed.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(inherited))


def _is_switched_off() -> bool:
    return os.environ.get(_SUPPORT, "").lower() in _OFF


def _has_threads() -> bool:
    """Whether gRPC itself has threads that stay inside it: of an asynchronous channel, or of a server."""
    targets = [getattr(thread, "_target", None) for thread in threading.enumerate()]
    return any(_is_grpc(getattr(target, "__module__", None)) for target in targets)


def _is_inside() -> bool:
    """Whether another thread is in the code of gRPC, be it by the SDK or by others."""
    own = threading.get_ident()
    frames = sys._current_frames()
    return any(_is_grpc(frame.f_globals.get("__name__")) for thread, frame in frames.items() if thread != own)


def _is_grpc(module: object) -> bool:
    return isinstance(module, str) and module.partition(".")[0] == "grpc"
