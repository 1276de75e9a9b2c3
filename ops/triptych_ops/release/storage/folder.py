"""A folder of this machine, or of one that is mounted."""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, Self

from fsspec.implementations.local import LocalFileSystem
from typing_extensions import override

from triptych_ops.errors import OpsError, RefusedError
from triptych_ops.scratch import flush_to_disk, scratch_folder

from .base import CHUNK_BYTES, LARGEST_READ_BYTES, Storage

_SCRATCH = ".new-"  # a folder beside `releases`: same file system, and nothing lists it
_ATTEMPTS = 100  # each lost one means that somebody made the file and somebody removed it
# Neither a link is followed nor a pipe waited for.
_PLAIN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_GONE = (FileNotFoundError, NotADirectoryError)  # another process removed it after it was listed
_NO_FILE = {errno.ELOOP, errno.ENXIO, errno.ENODEV, errno.EISDIR}  # of a link, a socket, a device, a folder


class FolderStorage(Storage):
    """Exclusive by hard link, whole by rename. An OSError of the operating system says enough and stays as it is."""

    def __init__(self, folder: Path) -> None:
        super().__init__(LocalFileSystem(), str(folder.absolute()), str(folder))
        self.folder = folder

    @override
    def below(self, name: str) -> Self:
        return type(self)(self.folder / name)

    @override
    def identity(self) -> str:
        return str(self.folder.resolve())

    @override
    def exists(self) -> bool:
        return self.folder.is_dir()

    @override
    def read(self, name: str) -> bytes | None:
        try:
            descriptor = os.open(self.folder / name, _PLAIN)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno in _NO_FILE:
                raise self._not_readable(name) from error
            raise
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise self._not_readable(name)
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(LARGEST_READ_BYTES + 1)
        if len(content) > LARGEST_READ_BYTES:
            raise self._not_readable(name)
        return content

    @override
    def matching(self, pattern: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for path in sorted(_matching(self.folder, PurePosixPath(pattern).parts)):
            with suppress(*_GONE):
                status = path.lstat()
                name = path.relative_to(self.folder).as_posix()
                found[name] = status.st_size if stat.S_ISREG(status.st_mode) else 1
        return found

    @override
    def folders(self, name: str) -> list[str]:
        folder = self.folder / name
        return sorted(entry for entry in _listed(folder) if (folder / entry).is_dir())

    @override
    def files(self) -> list[str]:
        return sorted(self._files(self._root))

    def _files(self, folder: str) -> Iterator[str]:
        for entry in self._entries(folder):
            if entry["type"] == "directory":
                yield from self._files(entry["name"])
            elif entry["type"] != "file" or entry["islink"] or entry["nlink"] > 1:
                problem = "is a link or a special file, which no release may hold"
                name = os.path.relpath(entry["name"], self._root)
                raise RefusedError(f"{self.where(name)} {problem}; the release is refused, build or pull it again")
            else:
                yield os.path.relpath(entry["name"], self._root)

    def _entries(self, folder: str) -> list[dict[str, Any]]:
        """What lies directly in a folder, by fsspec's words."""
        found: list[dict[str, Any]] = self.filesystem.ls(folder, detail=True)
        return found

    @override
    def chunks(self, name: str) -> Iterator[bytes]:
        with self.filesystem.open(self._path(name), "rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    @override
    def create(self, name: str, content: bytes) -> bytes | None:
        path = self.folder / name
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._written(content) as written:
            for _ in range(_ATTEMPTS):
                # A link appears whole, and only where there is nothing. Another process may remove the empty folder.
                with suppress(FileExistsError, FileNotFoundError):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    os.link(written, path)
                    _flush_if_there(path.parent)
                    return None
                if (present := self.read(name)) is not None:
                    return None if present == content else present
        raise OpsError(f"{path} is made and removed by others all the time; try again")

    @override
    def replace(self, name: str, content: bytes) -> None:
        path = self.folder / name
        with self._written(content) as written:
            written.replace(path)
        flush_to_disk(path.parent)

    @contextmanager
    def _written(self, content: bytes) -> Iterator[Path]:
        """A file with this content on the same file system, that a reader does not see."""
        with scratch_folder(self.folder, prefix=_SCRATCH) as scratch:
            file = scratch / "content"
            try:
                file.write_bytes(content)
                flush_to_disk(file)
            except OSError as error:  # a write does not say where
                raise OSError(error.errno, error.strerror, error.filename or str(file)) from error
            yield file

    @override
    def remove(self, name: str) -> None:
        path = self.folder / name
        path.unlink(missing_ok=True)
        _flush_if_there(path.parent)

    @override
    def remove_all(self, name: str, *, last: str) -> None:
        folder = self.folder / name
        for path in (folder / entry for entry in _listed(folder)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, onerror=_raise_unless_gone)
            elif path.name != last:
                path.unlink(missing_ok=True)
        _flush_if_there(folder)
        (folder / last).unlink(missing_ok=True)
        with suppress(OSError):  # somebody published here since, or it is gone
            folder.rmdir()
        _flush_if_there(folder.parent)

    @override
    def remove_parts(self) -> None:
        """There are none that the next scratch folder does not tidy."""

    @override
    @contextmanager
    def staging(self) -> Iterator[Path]:
        releases = self.folder / "releases"
        releases.mkdir(parents=True, exist_ok=True)
        with scratch_folder(releases, prefix=".staging-") as folder:
            yield folder

    def place(self, staged: Path, name: str) -> None:
        """Make the folder `staged`, of this storage's `staging`, the folder `name`.

        Raises:
            OSError: EEXIST or ENOTEMPTY where there is one.
        """
        for path in (*staged.rglob("*"), staged):
            flush_to_disk(path)
        target = self.folder / name
        staged.chmod(0o755)
        staged.rename(target)
        flush_to_disk(target.parent)

    @override
    def _failures(self) -> AbstractContextManager[None]:
        return nullcontext()


def _listed(folder: Path) -> list[str]:
    """The names directly below a folder, none where it is gone or may not be listed."""
    with suppress(*_GONE, PermissionError):
        return os.listdir(folder)  # noqa: PTH208  names alone, at once: nothing below can vanish in between
    return []


def _matching(folder: Path, parts: tuple[str, ...]) -> Iterator[Path]:
    """The paths below a folder whose names match, part by part. Unlike `Path.glob`, it bears a folder that vanishes."""
    first, rest = parts[0], parts[1:]
    names = (name for name in _listed(folder) if fnmatchcase(name, first)) if "*" in first else (first,)
    for name in names:
        if rest:
            yield from _matching(folder / name, rest)
        else:
            yield folder / name


def _flush_if_there(folder: Path) -> None:
    """Write a folder's entries through to the disk, unless another process removed the folder meanwhile."""
    with suppress(FileNotFoundError):
        flush_to_disk(folder)


def _raise_unless_gone(_call: object, _path: str, problem: tuple[type, BaseException, object]) -> None:
    if not isinstance(problem[1], FileNotFoundError):  # two processes prune
        raise problem[1]
