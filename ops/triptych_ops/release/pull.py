"""A release into a folder of this machine: whole, checked, or not at all. What a pod's init container does.

The folder may be an empty mount point, so nothing but the folder itself can be staged in: everything is copied
below `.pull-*` in it and checked there, then renamed, `repository` last. What has a `repository` is whole; what has
a manifest alone was left by a killed pull and is replaced.
"""

from collections.abc import Callable
from pathlib import Path

from triptych_ops.errors import RefusedError, UsageError
from triptych_ops.scratch import flush_to_disk, scratch_folder

from . import integrity
from .integrity import MANIFEST, REPOSITORY, SIGNATURE, Progress, quiet
from .manifest import Manifest
from .published import Release
from .storage import open_storage

_SCRATCH = ".pull-"
_FOREIGN_BUT_HARMLESS = {"lost+found"}  # of a mounted disk


def pull(release: Release, folder: Path, *, check: Callable[[Path], None], progress: Progress = quiet) -> bool:
    """Make `folder` hold the release: release.json, repository/, and release.sig where it is signed.

    `check` is given a folder with all of it before anything is visible, and raises where it is not to be used. Again
    with the same release everything is checked again, and nothing is written.

    Returns:
        Whether it was written.

    Raises:
        RefusedError: a file is not as the manifest says, the check did not hold, or the folder holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is no folder; name a new or an empty one")
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _tidy(folder)
        if _holds(folder, release):
            integrity.verify(open_storage(folder), release.manifest.files, progress=progress)
            check(folder)
            return False
        with scratch_folder(folder, prefix=_SCRATCH) as scratch:
            staged = scratch / str(release.number)
            release.copy(staged, durable=True, progress=progress)
            check(staged)
            for path in staged.rglob("*"):
                flush_to_disk(path)
            for name in (MANIFEST, SIGNATURE, REPOSITORY):
                if (staged / name).exists():
                    (staged / name).replace(folder / name)
            flush_to_disk(folder)
    except BaseException:
        if made and not any(folder.iterdir()):
            folder.rmdir()
        raise
    return True


def _tidy(folder: Path) -> None:
    if any(folder.glob(f"{_SCRATCH}*")):
        with scratch_folder(folder, prefix=_SCRATCH):
            pass


def _holds(folder: Path, release: Release) -> bool:
    """Whether the folder has the release already; False where it is free for it.

    Raises:
        RefusedError: it holds something else.
    """
    names = {path.name for path in folder.iterdir()} - _FOREIGN_BUT_HARMLESS
    names = {name for name in names if not name.startswith(_SCRATCH)}  # of a pull that is at work
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
