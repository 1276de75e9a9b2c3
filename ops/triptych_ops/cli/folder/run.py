"""A run over many files: rows as the answers come, a summary at its end, an exit code that says whether all is well."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from triptych_ops.errors import MissingError

from .. import failures
from ..output import say
from .asking import Asking, classified
from .progress import progress
from .rows import Outcome
from .rows_file import RowsFile
from .tally import Tally
from .walk import Found, find_images


def found_in(images: Sequence[str], *, recursive: bool, every: bool, besides: Path | None) -> Found:
    """What there is to classify; folders that cannot be read are said on stderr.

    besides: the file that the rows go to

    Raises:
        MissingError: there is nothing.
    """
    found = find_images(images, recursive=recursive, every=every)
    if besides is not None:
        found.files = [path for path in found.files if not _is_same(path, besides)]
    for error in found.unreadable:
        say(f"triptych: folder skipped: {failures.line(error)}")
    if not found.files:
        skipped = f", but {found.skips}" if found.skipped else ""
        raise MissingError(f"there is no image in {', '.join(images)}{skipped}; see --recursive and --all")
    return found


def run(asking: Asking, found: Found, write: Callable[[str, Outcome], None], *, file: RowsFile | None = None) -> int:
    """Classify all that has no row in `file`, and give the exit code. The summary goes to stderr, however it ends."""
    held = {os.path.normpath(path): code for path, code in file.held.items()} if file else {}
    before = [held[name] for path in found.files if (name := os.path.normpath(path)) in held]
    todo = [path for path in found.files if os.path.normpath(path) not in held] if held else found.files
    tally = Tally()
    try:
        with progress(tally, of=len(todo), answers_on_stdout=file is None) as show_progress:
            for path, outcome in classified(asking, todo):
                write(path, outcome)
                tally.add(outcome)
                show_progress()
    finally:
        unfinished = tally.files < len(todo)
        if tally.files or not unfinished:
            hint = "; --resume goes on" if file and unfinished else ""
            say(tally.summary(of=len(todo)) + hint)
            if found.skipped:
                say(f"skipped: {found.skips}")
            if file and before:
                failed = sum(code is not None for code in before)
                say(f"before: {len(before)} in {file.path}, {failed} of them failed")
    is_well = not (found.unreadable or tally.failed or any(before))
    return failures.DONE if is_well else failures.FAILED


def _is_same(path: str, file: Path) -> bool:
    return Path(path).name == file.name and os.path.realpath(path) == os.path.realpath(file)
