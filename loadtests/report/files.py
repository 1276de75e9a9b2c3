"""Writes a report into the folder of its run."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from .document import document
from .finding import Finding
from .junit import junit_text
from .page import page
from .rows import csv_text

FILES: Final[Mapping[str, Callable[[Finding], str]]] = {
    "report.html": page,
    "report.json": lambda finding: json.dumps(document(finding), indent=1, allow_nan=False) + "\n",
    "stages.csv": csv_text,
    "junit.xml": junit_text,
}
"""Name -> what makes it."""


def write(finding: Finding, folder: Path) -> None:
    """Write all of them, over those of before.

    Raises:
        OSError: one cannot be written.
    """
    for name, made in FILES.items():
        (folder / name).write_text(made(finding))
