"""Is the copy of a repository that Triton serves still what it was when it was made?"""

import hashlib
from collections.abc import Container, Iterator, Mapping
from pathlib import Path


def digests(folder: Path) -> Mapping[str, str]:
    """sha256 of each file below `folder`, by its path; what is no regular file has none."""
    return {str(path.relative_to(folder)): _digest(path) for path in _files(folder)}


def remove_others(folder: Path, known: Container[str]) -> None:
    """Remove the files that are not `known`: the bytecode that Triton's stubs write beside their sources, locks."""
    for path in list(_files(folder)):
        if str(path.relative_to(folder)) not in known:
            path.unlink()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def _digest(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
