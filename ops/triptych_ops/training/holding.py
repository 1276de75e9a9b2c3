"""A run's folder for one process at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from triptych_ops.errors import RefusedError, UsageError

from .run import Run


@contextmanager
def held(folder: Path) -> Iterator[Run]:
    """The folder, made where there is none, for this process alone.

    Raises:
        UsageError: it is no folder, or holds something else.
        RefusedError: another process has it.
    """
    require_usable(folder)
    folder.mkdir(parents=True, exist_ok=True)
    run = Run(folder)
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # it ends with the process, however that ends
        except BlockingIOError as error:
            raise RefusedError(f"another process trains in {folder}; wait for it, or name another folder") from error
        for partial in folder.glob("*.partial"):  # of a killed process
            with suppress(OSError):
                partial.unlink()
        yield run
    finally:
        os.close(lock)


def require_usable(folder: Path) -> None:
    """Check that a folder is a run's, empty, or not there yet.

    Raises:
        UsageError: it is no folder, or holds something else.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; name a new one with --out")
    run = Run(folder)
    ours = {run.record_file, run.split_file, run.weights_file, run.resume_file, run.tensorboard_folder}
    strange = sorted(path.name for path in folder.iterdir() if path not in ours and path.suffix != ".partial")
    if strange and not run.record_file.is_file():
        raise UsageError(f"{folder} holds something else, {strange[0]!r}; name a new folder with --out")
