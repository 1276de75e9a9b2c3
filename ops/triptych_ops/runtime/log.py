"""Triton's log, read for people."""

import re
from pathlib import Path

_ERROR = re.compile(
    r'^E\d{4} \S+ \d+ \S+\] "?(?P<logged>.*?)"?$|: (?P<loader>error while loading shared .*)$', re.MULTILINE
)
# What every server on a machine without a GPU says, and works.
_WITHOUT_GPU = re.compile("CudaDriverHelper has not been initialized|CUDA driver version is insufficient")

_LOADING = re.compile(r'^I\d{4} \S+ \d+ \S+\] "loading: (?P<model>.+):\d+"$', re.MULTILINE)
_LOADED = re.compile(r'^I\d{4} \S+ \d+ \S+\] "successfully loaded \'(?P<model>.+)\'"$', re.MULTILINE)


def first_error(path: Path) -> str | None:
    """The first error that Triton, or the loader of one of its stubs, wrote; None where there is none."""
    text = _text(path)
    found = (match["logged"] or match["loader"] for match in _ERROR.finditer(text))
    return next((error.strip() for error in found if not _WITHOUT_GPU.search(error)), None)


def last_line(path: Path) -> str:
    """The last line that is not empty."""
    lines = _text(path).split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it logged nothing")


def still_loading(path: Path) -> tuple[str, ...]:
    """The models that Triton began to load and has not loaded, in its order."""
    text = _text(path)
    loaded = {match["model"] for match in _LOADED.finditer(text)}
    return tuple(match["model"] for match in _LOADING.finditer(text) if match["model"] not in loaded)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
