"""How a training goes, on stderr: a bar with what is left of the time on a terminal, a line an epoch elsewhere."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from .output import printable, say

if TYPE_CHECKING:
    from rich import progress

    from triptych_ops.training import Epoch


class TrainingProgress:
    """An observer of `training.train` that shows what it is told."""

    def __init__(self, *, epochs: int) -> None:
        self._epochs = epochs
        self._legend_said = False
        self._bar: progress.Progress | None = None
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=Console(stderr=True, highlight=False), transient=True)
            self._task = self._bar.add_task("starting", total=None)

    def __enter__(self) -> "TrainingProgress":
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def note(self, message: str) -> None:
        """Write a line that stays."""
        line = printable(message)
        if self._bar:
            self._bar.console.print(line, markup=False, soft_wrap=True)
        else:
            say(line)

    def step(self, message: str) -> None:
        """Something else begins."""
        if self._bar:
            self._bar.reset(self._task, description=message, total=None)
        else:
            say(f"{message} ...")

    def advance(self, done: int, total: int) -> None:
        """So much of the step is done."""
        if self._bar:
            self._bar.update(self._task, completed=done, total=total)

    def counted(self, total: int) -> Callable[[int], None]:
        """What takes each number of things done, of so many, and shows how far they are."""
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            self.advance(done, total)

        return advance

    def epoch(self, epoch: "Epoch", *, best: bool) -> None:
        """An epoch has ended."""
        line = (
            f"epoch {epoch.epoch:{len(str(self._epochs))}}/{self._epochs}"
            f"  train {epoch.train_loss:.4f}  {epoch.train_accuracy:7.2%}"
            f"  validation {epoch.validation_loss:.4f}  {epoch.validation_accuracy:7.2%}"
            f"{'  best' if best else ''}  {epoch.seconds:.1f} s"
        )
        if not self._legend_said:
            self._legend_said = True
            line = f"loss and accuracy of each epoch, on the training images and on those for validation:\n{line}"
        if self._bar:
            self._bar.console.print(line)
        else:
            say(line)
