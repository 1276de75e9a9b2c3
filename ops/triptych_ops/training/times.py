"""How much time a training takes: by the wall clock, and of processors, those of its child processes included."""

import resource
import time
from collections.abc import Callable


def cpu_seconds() -> float:
    """Return the processor time of this process so far and of its child processes that have ended, in seconds.

    Processes that decode images end with each pass over the images.
    """
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


class Stopwatch:
    """Runs from when it is made on; `carry_over` adds what earlier processes of the same training took."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began_s, self._cpu_began_s = clock(), cpu_seconds()

    def carry_over(self, seconds: float, processor_seconds: float) -> None:
        """Count these seconds as well."""
        self._began_s -= seconds
        self._cpu_began_s -= processor_seconds

    @property
    def seconds(self) -> float:
        """By the wall clock."""
        return self._clock() - self._began_s

    @property
    def cpu_seconds(self) -> float:
        """Of processors, child processes included."""
        return cpu_seconds() - self._cpu_began_s
