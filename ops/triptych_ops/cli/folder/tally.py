"""What became of the files of a run, in words."""

import time
from collections import Counter
from collections.abc import Callable

from triptych import ImageError

from .rows import Outcome


class Tally:
    """Counts outcomes from now on.

    clock: seconds, monotonic
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self.classified = 0
        self.failed: Counter[str] = Counter()

    def add(self, outcome: Outcome) -> None:
        """One more file."""
        if isinstance(outcome, ImageError):
            self.failed[outcome.code] += 1
        else:
            self.classified += 1

    @property
    def files(self) -> int:
        """How many so far."""
        return self.classified + self.failed.total()

    @property
    def rate(self) -> float:
        """Files a second."""
        seconds = self._clock() - self._began
        return self.files / seconds if seconds > 0 else 0.0

    def summary(self, *, of: int) -> str:
        """`3488 of 4000 files: 3480 classified, 8 failed (6 corrupt_image, 2 empty_image); 24.4 s, 143 images/s`."""
        seconds = self._clock() - self._began
        files = f"{self.files} files" if of == self.files else f"{self.files} of {of} files"
        by_code = ", ".join(f"{count} {code}" for code, count in sorted(self.failed.items()))
        failed = f"{self.failed.total()} failed" + (f" ({by_code})" if by_code else "")
        return f"{files}: {self.classified} classified, {failed}; {seconds:.1f} s, {self.rate:.0f} images/s"
