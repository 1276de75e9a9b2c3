"""A folder that nobody may open: the kernel says who did."""

import ctypes
import os
import struct
from pathlib import Path
from types import TracebackType

_LIBC = ctypes.CDLL(None, use_errno=True)
_IN_OPEN = 0x20
_EVENT = struct.Struct("iIII")  # watch, mask, cookie, length of the name that follows


class Canary:
    """Counts the opens of a folder outside of the repository, of its files, and of what is watched besides.

    The kernel watches inodes, so an open through a link, symbolic or hard, or from another process counts.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._inotify = _LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._inotify < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")

    def __enter__(self) -> "Canary":
        self.folder.mkdir()
        for name in ("config.pbtxt", "model.onnx", "labels.txt", "library.so", "weights.bin", "model.py"):
            (self.folder / name).write_text("canary\n", encoding="utf-8")
        for path in (self.folder, *self.folder.iterdir()):
            self.watch(path)
        self.opened()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._inotify)

    def watch(self, path: Path) -> None:
        """Count the opens of a file, too."""
        if _LIBC.inotify_add_watch(self._inotify, os.fsencode(path), _IN_OPEN) < 0:
            raise OSError(ctypes.get_errno(), "inotify_add_watch", str(path))

    def opened(self) -> int:
        """How often anything of it was opened since the last time."""
        count = 0
        while True:
            try:
                events = os.read(self._inotify, 1 << 16)
            except BlockingIOError:
                return count
            at = 0
            while at < len(events):
                _, mask, _, length = _EVENT.unpack_from(events, at)
                at += _EVENT.size + length
                count += bool(mask & _IN_OPEN)
