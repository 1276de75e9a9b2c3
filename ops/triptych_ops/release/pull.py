"""A release into a folder of this machine: whole, checked, or not at all. What a pod's init container does.

The folder may be an empty mount point, so nothing but the folder itself can be staged in: everything is copied
below `.pull-*` in it and checked there, then renamed, `repository` last. What has a `repository` is whole; what has
a manifest alone was left by a killed pull and is replaced. Pulls into one folder wait for each other.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from typing_extensions import override

from triptych_ops.errors import RefusedError, UsageError
from triptych_ops.scratch import flush_to_disk, scratch_folder

from . import integrity
from .integrity import MANIFEST, PULL_SCRATCH, REPOSITORY, SIGNATURE, Progress, is_of_the_disk, quiet
from .manifest import Manifest
from .published import Release
from .storage import FolderStorage


class _Pulled(FolderStorage):
    """A folder with a release in it, without what is the disk's or another pull's."""

    @override
    def _entries(self, folder: str) -> list[dict[str, Any]]:
        found = super()._entries(folder)
        at_root = folder == self._root
        return [entry for entry in found if not (at_root and is_of_the_disk(Path(entry["name"]).name))]


def pull(release: Release, folder: Path, *, check: Callable[[Path], None], progress: Progress = quiet) -> bool:
    """Make `folder` hold the release: release.json, repository/, and release.sig where it is signed.

    `check` is given a folder with all of it before anything is visible, and raises where it is not to be used. Again
    with the same release everything is checked again, and nothing is written but a signature that is another one now.

    Returns:
        Whether anything was written.

    Raises:
        RefusedError: a file is not as the manifest says, the check did not hold, or the folder holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is no folder; name a new or an empty one")
    with _locked(folder):
        _tidy(folder)
        held = _holds(folder, release)
        pulled = _Pulled(folder)
        signature = release.signature()
        if held and signature in (None, pulled.read(SIGNATURE)):
            integrity.verify(pulled, release.manifest.files, progress=progress)
            check(folder)
            return False
        with scratch_folder(folder, prefix=PULL_SCRATCH) as scratch:
            staged = scratch / str(release.number)
            source = Release(pulled, release.document, release.manifest) if held else release
            source.copy(staged, durable=not held, progress=progress)
            if signature is not None:  # read once, and this one is checked
                (staged / SIGNATURE).write_bytes(signature)
            check(staged)
            if held:
                flush_to_disk(staged / SIGNATURE)
                (staged / SIGNATURE).replace(folder / SIGNATURE)
            else:
                _place(staged, folder)
            flush_to_disk(folder)
    return True


def _place(staged: Path, folder: Path) -> None:
    for path in staged.rglob("*"):
        flush_to_disk(path)
    if not (staged / SIGNATURE).exists():  # that of another release, whose pull was killed
        (folder / SIGNATURE).unlink(missing_ok=True)
    for name in (MANIFEST, SIGNATURE, REPOSITORY):
        if (staged / name).exists():
            (staged / name).replace(folder / name)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let no other pull into the folder; it is made where there is none, and goes again where the body fails."""
    made = not folder.exists()
    lock = _lock(folder)
    try:
        yield
    except BaseException:
        if made and not any(folder.iterdir()):
            folder.rmdir()
        raise
    finally:
        os.close(lock)


def _lock(folder: Path) -> int:
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists() and os.path.samestat(folder.stat(), os.fstat(lock)):
            return lock
        os.close(lock)  # a pull that failed has removed the folder that it had made


def _tidy(folder: Path) -> None:
    if any(folder.glob(f"{PULL_SCRATCH}*")):
        with scratch_folder(folder, prefix=PULL_SCRATCH):
            pass


def _holds(folder: Path, release: Release) -> bool:
    """Whether the folder has the release already; False where it is free for it.

    Raises:
        RefusedError: it holds something else.
    """
    names = {path.name for path in folder.iterdir() if not is_of_the_disk(path.name)}
    if foreign := sorted(names - {MANIFEST, SIGNATURE, REPOSITORY}):
        raise RefusedError(f"{folder} holds {foreign[0]!r}, which is of no release; name a new or an empty folder")
    if MANIFEST not in names:
        if names:
            raise RefusedError(f"{folder} holds {min(names)!r} without {MANIFEST}; name a new or an empty folder")
        return False
    held = Manifest.from_file(folder / MANIFEST)
    if REPOSITORY not in names:
        return False
    if (folder / MANIFEST).read_bytes() != release.document:
        raise RefusedError(
            f"{folder} holds release {held.number}, not this release {release.number}; name a new or an empty folder"
        )
    return True
