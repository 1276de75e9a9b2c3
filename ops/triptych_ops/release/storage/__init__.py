"""Where a store lies: a folder, or a prefix of a bucket, both read through fsspec.

They differ in how something appears whole or not at all, which is what each adapter is about. s3fs is imported
when a bucket is opened, not with this package.
"""

from pathlib import Path

from triptych_ops.errors import UsageError

from .base import RemoteStorage, Storage
from .folder import FolderStorage

__all__ = ["FolderStorage", "RemoteStorage", "Storage", "open_storage"]

_SCHEME = "s3://"


def open_storage(location: str | Path) -> Storage:
    """What lies at a folder's path or at s3://BUCKET/PREFIX; nothing is read yet.

    Raises:
        UsageError: it is neither.
        ModuleNotFoundError: the package for it is not installed.
    """
    if isinstance(location, str) and location.startswith(_SCHEME):
        from .objects import ObjectStorage

        return ObjectStorage(location)
    if isinstance(location, str) and "://" in location:
        raise UsageError(f"{location!r} has a scheme that no store has; a store is a folder or s3://BUCKET/PREFIX")
    return FolderStorage(Path(location))
