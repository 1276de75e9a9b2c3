"""How many file descriptors this process has."""

import os
import time

_SETTLED_S = 10.0  # keepalive, the grace of closing, and what a connection takes to end


def descriptors(*, at_most: int = 0) -> int:
    """How many this process has, once they are as few, or after a while."""
    end = time.monotonic() + (_SETTLED_S if at_most else 0)
    while True:
        found = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  counts, and makes no paths
        if found <= at_most or time.monotonic() >= end:
            return found
        time.sleep(0.05)
