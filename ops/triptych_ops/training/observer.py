"""Who is told how a training goes."""

from typing import Protocol

from .run import Epoch


class Observer(Protocol):
    """It is called from the training's own thread, so it must be quick."""

    def note(self, message: str) -> None:
        """Tell something that the user should know, and that stays on the screen."""
        ...

    def step(self, message: str) -> None:
        """Something else begins."""
        ...

    def advance(self, done: int, total: int) -> None:
        """So many of the batches of all epochs, or of the images of a step, are done."""
        ...

    def epoch(self, epoch: Epoch, *, best: bool) -> None:
        """An epoch has ended; `best`: it is the best so far."""
        ...


class Silent:
    """Tells nobody."""

    def note(self, message: str) -> None:
        """As `Observer`."""

    def step(self, message: str) -> None:
        """As `Observer`."""

    def advance(self, done: int, total: int) -> None:
        """As `Observer`."""

    def epoch(self, epoch: Epoch, *, best: bool) -> None:
        """As `Observer`."""
