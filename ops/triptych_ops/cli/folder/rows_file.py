"""A file of rows that is whole up to its last line, whenever the process is killed."""

import fcntl
import os
import stat
from pathlib import Path
from types import TracebackType

from triptych_ops.errors import RefusedError, UsageError

from .rows import Outcome, RowFormat

_LONGEST_ROW_BYTES = 1 << 16
"""More than a path, a message and every label of an answer take: whatever is longer was not half a row of ours."""


class RowsFile:
    """Appends each row by one write, so that what was written stays. A context manager; one process at a time.

    resume: go on with the rows that the file holds; a last one that was not written to its end is dropped

    Raises (when it is made):
        UsageError: the file holds something and is not to be gone on with, or cannot be gone on with.
        RefusedError: it holds other than rows of this format, or another process writes to it.
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path, rows: RowFormat, *, resume: bool) -> None:
        self.path = path
        self._rows = rows
        self.held: dict[str, str | None] = {}
        """Image -> code of its error or None, of the rows that were there before."""
        self._file = path.open("ab" if _is_regular(path) else "wb", buffering=0)
        try:
            self._lock()
            self._begin(resume=resume)
        except BaseException:
            self._file.close()
            raise

    def append(self, path: str, outcome: Outcome) -> None:
        """Write one row.

        Raises:
            OSError: it could not be written, or only half of it.
        """
        self._write(self._rows.text(path, outcome))

    def __enter__(self) -> "RowsFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._file:
            if _is_regular(self.path):
                os.fsync(self._file.fileno())

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RefusedError(
                f"{self.path} is being written by another process; wait for it, or name another"
            ) from error

    def _begin(self, *, resume: bool) -> None:
        size_bytes = os.fstat(self._file.fileno()).st_size
        if resume and not _is_regular(self.path):
            raise UsageError(f"{self.path} is no file that a run could go on with")
        if size_bytes and not resume:
            raise UsageError(f"{self.path} holds something; go on with it by --resume, or name another file")
        kept_bytes = self._kept_bytes() if size_bytes else 0
        if size_bytes - kept_bytes > _LONGEST_ROW_BYTES:
            raise RefusedError(f"{self.path} is damaged behind byte {kept_bytes}; mend it, or name another file")
        if kept_bytes < size_bytes:
            self._file.truncate(kept_bytes)
        if not kept_bytes:
            self._write(self._rows.header)

    def _kept_bytes(self) -> int:
        """How long the file is up to its last whole row, whose like are held from now on."""
        begins = self._rows.begins.encode()
        with self.path.open("rb") as file:
            found = file.read(len(begins))
            if found != begins[: len(found)]:
                raise RefusedError(f"{self.path} holds other than such rows; name another file")
            end = len(self._rows.header) if found == begins else 0
            file.seek(0)
            try:
                for row in self._rows.read(file):
                    self.held[row.image] = row.error_code
                    end = row.end
            except RefusedError as error:
                raise RefusedError(f"{self.path}: {error}; mend it, or name another file") from error
        return end

    def _write(self, text: str) -> None:
        left = memoryview(text.encode("utf-8", "surrogateescape"))
        while left:
            left = left[self._file.write(left) :]


def _is_regular(path: Path) -> bool:
    return not path.exists() or stat.S_ISREG(path.stat().st_mode)
