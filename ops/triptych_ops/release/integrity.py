"""Digests of a release's files: taken when it is built, compared before it is served."""

import hashlib
import stat
from collections.abc import Mapping
from pathlib import Path

from triptych_ops.errors import RefusedError

from .manifest import FileDigest

_ALTERED = "was altered: its SHA-256 is not the manifest's"
_CHUNK_BYTES = 1 << 20


def digest(path: Path) -> FileDigest:
    """SHA-256 and size of one file."""
    with path.open("rb") as file:
        return FileDigest(sha256=hashlib.file_digest(file, "sha256").hexdigest(), size=path.stat().st_size)


def digests(folder: Path) -> dict[str, FileDigest]:
    """Every file below `folder`, by its path with slashes, sorted.

    Raises:
        RefusedError: something below is neither a folder nor a plain file of its own.
    """
    return {name: digest(folder / name) for name in _plain_files(folder)}


def verify(folder: Path, expected: Mapping[str, FileDigest], *, excluding: str) -> None:
    """Compare what lies in `folder` with `expected`.

    Raises:
        RefusedError: names the first file that is missing, additional, altered, or no plain file.
    """
    for name in _names(folder, expected, excluding):
        if digest(folder / name) != expected[name]:
            raise _refused(folder / name, _ALTERED)


def copy_verified(
    folder: Path, expected: Mapping[str, FileDigest], target: Path, *, below: str, excluding: str
) -> None:
    """Copy the subfolder `below` of `folder` into the new folder `target`, comparing each file as it is copied.

    So the copy is what was checked, whatever happens to `folder` meanwhile. Other files are not read.

    Raises:
        RefusedError: as `verify`.
    """
    for name in _names(folder, expected, excluding):
        if not name.startswith(f"{below}/"):
            continue
        copy = target / name.removeprefix(f"{below}/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        if _copy(folder / name, copy) != expected[name]:
            raise _refused(folder / name, _ALTERED)


def _names(folder: Path, expected: Mapping[str, FileDigest], excluding: str) -> list[str]:
    """The files of `folder`, which are exactly those expected."""
    found = set(_plain_files(folder)) - {excluding}
    for name in sorted(expected.keys() ^ found):
        raise _refused(folder / name, "is missing" if name in expected else "is not in the manifest")
    return sorted(found)


def _plain_files(folder: Path) -> list[str]:
    names = []
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
            names.append(path.relative_to(folder).as_posix())
        elif not stat.S_ISDIR(status.st_mode):
            raise _refused(path, "is a link or a special file, which no release may hold")
    return names


def _copy(source: Path, target: Path) -> FileDigest:
    sha256, size = hashlib.sha256(), 0
    try:
        with source.open("rb") as reading, target.open("wb") as writing:
            while chunk := reading.read(_CHUNK_BYTES):
                sha256.update(chunk)
                size += writing.write(chunk)
    except OSError as error:  # a write does not say where
        raise OSError(error.errno, error.strerror, error.filename or str(target)) from error
    return FileDigest(sha256=sha256.hexdigest(), size=size)


def _refused(path: Path, problem: str) -> RefusedError:
    return RefusedError(f"{path} {problem}; the release is refused, build or pull it again")
