"""Temporary folders that a kill -9 cannot leave behind for good."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_MARK = ".triptych-scratch"
"""Ends every name, so that no folder of a user's is ever taken for an abandoned one."""

# In a folder that everybody may write to, a name may be a pipe or a link that somebody planted.
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def scratch_folder(parent: Path, *, prefix: str) -> Iterator[Path]:
    """A new folder below `parent`, private to this user, removed at the end.

    Its owner holds a lock on it, which ends with the process however that ends. So this user's folders of
    the same prefix whose lock is free were abandoned by a killed process, and are removed first.
    """
    for abandoned in parent.glob(f"{prefix}*{_MARK}"):
        _remove_if_abandoned(abandoned)
    folder, lock = _new_locked(parent, prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def is_scratch(name: str, *, prefix: str) -> bool:
    """Whether a scratch folder of this prefix may be called so."""
    return name.startswith(prefix) and name.endswith(_MARK)


def flush_to_disk(path: Path) -> None:
    """Write a file's content, or a folder's entries, through to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _new_locked(parent: Path, prefix: str) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, suffix=_MARK, dir=parent))
        try:
            lock = os.open(folder, _FOLDER)
        except FileNotFoundError:  # somebody tidied between the making and the opening
            continue
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return folder, lock
        os.close(lock)  # somebody tidied between the making and the lock


def _remove_if_abandoned(folder: Path) -> None:
    # Not ours to open, gone already, no folder at all, or its owner is at work: then it stays.
    with suppress(OSError):
        lock = os.open(folder, _FOLDER)
        try:
            if os.fstat(lock).st_uid == os.geteuid():
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
