"""A clock that wakes an event loop to the tenth of a millisecond.

An event loop's own timers are rounded up to whole milliseconds, since epoll counts in them. Those of timerfd_create(2)
are not; where there are none, the loop's have to do.
"""

import asyncio
import ctypes
import os
import time
from contextlib import suppress
from types import TracebackType
from typing import Final

_CLOCK_MONOTONIC: Final = 1  # what time.monotonic reads on Linux
_NONBLOCK_CLOEXEC: Final = os.O_NONBLOCK | os.O_CLOEXEC
_ABSOLUTE: Final = 1
_READ_BYTES: Final = 8


class _Timespec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("it_interval", _Timespec), ("it_value", _Timespec))


class WakeUp:
    """Wakes who waits for a moment of `time.monotonic`, one at a time. A context manager in a running loop."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = -1
        self._waiting: asyncio.Future[None] | None = None

    def __enter__(self) -> "WakeUp":
        self._loop = asyncio.get_running_loop()
        if hasattr(self._libc, "timerfd_create"):
            self._descriptor = self._libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK_CLOEXEC)
        if self._descriptor >= 0:
            self._loop.add_reader(self._descriptor, self._expired)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)

    async def at(self, moment_s: float) -> None:
        """Return at that moment, at once where it is past, or when `now` is called."""
        if time.monotonic() >= moment_s:
            return
        self._waiting = self._loop.create_future()
        if self._descriptor < 0:
            await asyncio.wait((self._waiting,), timeout=moment_s - time.monotonic())
            return
        whole_s = int(moment_s)
        spec = _Itimerspec(_Timespec(0, 0), _Timespec(whole_s, int((moment_s - whole_s) * 1e9)))
        self._libc.timerfd_settime(self._descriptor, _ABSOLUTE, ctypes.byref(spec), None)
        await self._waiting

    def now(self) -> None:
        """Wake who waits, before the time."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _expired(self) -> None:
        with suppress(BlockingIOError):  # it was set anew in between
            os.read(self._descriptor, _READ_BYTES)
            self.now()
