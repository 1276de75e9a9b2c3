"""Triton's log, read for people."""

import re
from pathlib import Path

_ERROR = re.compile(r'^E\d{4} \S+ \d+ \S+\] "?(.*?)"?$', re.MULTILINE)


def first_error(path: Path) -> str:
    """The first error that Triton logged, on one line; its last line where it logged none."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    match = _ERROR.search(text)
    lines = text.strip().splitlines()
    return match[1].strip() if match else (lines[-1] if lines else "it logged nothing")
