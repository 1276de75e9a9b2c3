"""Files that are there whole or not at all, whenever the process is killed."""

import os
from pathlib import Path

from triptych_ops.scratch import flush_to_disk


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file; after a kill, or on a full disk, it is what it was before.

    Raises:
        OSError: it cannot be written; `filename` is the path.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        flush_to_disk(path.parent)
    except OSError as error:
        partial.unlink(missing_ok=True)
        error.filename = str(path)  # writes do not say to what
        raise
