"""The audit log: a line of JSON a decision, in a file that only grows."""

import json
import os
from pathlib import Path
from typing import Any

from .engine import Announcer
from .state import Decision, Rollout


def line(rollout: Rollout, decision: Decision) -> dict[str, Any]:
    """What is logged of a decision. After a kill the last one may be there twice, under the same numbers."""
    told = decision.model_dump(mode="json")
    return {"rollout": rollout.number, "release": rollout.release.release, **told}


class AuditFile:
    """Appends to a file, and is sure that it lies on the disk before anything goes on."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, rollout: Rollout, decision: Decision) -> None:
        """Log it.

        Raises:
            OSError: the file cannot be written, so the rollout must not go on.
        """
        text = json.dumps(line(rollout, decision), ensure_ascii=False) + "\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            os.write(descriptor, text.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class Everybody:
    """Tells each decision to all of these, in their order."""

    def __init__(self, *announcers: Announcer) -> None:
        self._announcers = announcers

    def __call__(self, rollout: Rollout, decision: Decision) -> None:
        """Tell it.

        Raises:
            OSError, UnreachableError: theirs.
        """
        for announce in self._announcers:
            announce(rollout, decision)
