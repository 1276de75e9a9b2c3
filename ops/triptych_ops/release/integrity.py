"""Digests of a release's files: taken when it is built, compared before it is served."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from triptych_ops.errors import RefusedError

from .manifest import FileDigest


def digest(path: Path) -> FileDigest:
    """SHA-256 and size of one file."""
    with path.open("rb") as file:
        return FileDigest(sha256=hashlib.file_digest(file, "sha256").hexdigest(), size=path.stat().st_size)


def digests(folder: Path, *, excluding: str | None = None) -> dict[str, FileDigest]:
    """Every file below `folder` but `excluding`, by its path with slashes, sorted.

    Raises:
        RefusedError: something below is neither a folder nor a plain file of its own.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise RefusedError(f"{path} is a link or a special file, which no release may hold; remove the release")
        if path.is_file() and name != excluding:
            found[name] = digest(path)
    return found


def verify(folder: Path, expected: Mapping[str, FileDigest], *, excluding: str) -> None:
    """Compare what lies in `folder` with `expected`.

    Raises:
        RefusedError: names the first file that is missing, additional or altered.
    """
    found = digests(folder, excluding=excluding)
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            problem = "is missing"
        elif name not in expected:
            problem = "is not in the manifest"
        elif found[name] != expected[name]:
            problem = "was altered: its SHA-256 is not the manifest's"
        else:
            continue
        raise RefusedError(f"{folder / name} {problem}; the release is refused, build or pull it again")
