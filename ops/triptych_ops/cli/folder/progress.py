"""A bar on stderr while files are classified; nothing where stderr is no terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .tally import Tally


@contextmanager
def progress(tally: Tally, *, of: int, answers_on_stdout: bool) -> Iterator[Callable[[], None]]:
    """Show how far `tally` is, whenever the function that is handed out is called.

    Not while the answers go to a terminal: they say as much, and a bar would stand between them.
    """
    if not sys.stderr.isatty() or (answers_on_stdout and sys.stdout.isatty()):
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]} failed"),
        TextColumn("{task.fields[rate]:.0f} images/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=of, failed=0, rate=0.0)
        yield lambda: bar.update(task, completed=tally.files, failed=tally.failed.total(), rate=tally.rate)
