"""A bar on stderr while bytes are moved; nothing where stderr is no terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from triptych_ops import release


@contextmanager
def transfer(what: str, *, size_bytes: int) -> Iterator[release.Progress]:
    """Gives what to tell of each piece that was moved."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=size_bytes)
        yield lambda moved_bytes: bar.advance(task, moved_bytes)
