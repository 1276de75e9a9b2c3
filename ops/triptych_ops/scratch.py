"""Temporary folders that a kill -9 cannot leave behind for good."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def scratch_folder(parent: Path, *, prefix: str) -> Iterator[Path]:
    """A new folder below `parent`, private to this user, removed at the end.

    Its owner holds a lock on it, which ends with the process however that ends. So folders of the same
    prefix whose lock is free were abandoned by a killed process, and are removed first.
    """
    with _opened(parent) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # nobody tidies between the making of a folder and its lock
        _remove_abandoned(parent, prefix)
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        owned = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        fcntl.flock(owned, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(owned)


def flush(path: Path) -> None:
    """Write a file's content, or a folder's entries, through to the disk."""
    with _opened(path) as descriptor:
        os.fsync(descriptor)


def _remove_abandoned(parent: Path, prefix: str) -> None:
    for folder in parent.glob(f"{prefix}*"):
        # Another user's folder, one that has just gone, one whose owner is at work.
        with suppress(PermissionError, FileNotFoundError, BlockingIOError), _opened(folder) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
