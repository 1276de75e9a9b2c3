"""Load at a steady rate, whatever the servers do: an open loop."""

import threading
import time
from typing import Self

from triptych import Client

from .closed import Callers, call

_WORKERS = 64  # calls under way at once; more wait, and say so by their lateness
_TIMEOUT_S = 10.0


class Paced(Callers):
    """`per_s` calls a second by one client, from when this is entered until it is left."""

    def __init__(self, client: Client, *, per_s: float) -> None:
        super().__init__(timeout_s=_TIMEOUT_S)
        self._client = client
        self._per_s = per_s
        self._lock = threading.Lock()
        self._next = 0
        self._threads = [threading.Thread(target=self._run) for _ in range(_WORKERS)]

    def __enter__(self) -> Self:
        self._began_s = time.monotonic()
        return super().__enter__()

    def until(self, count: int) -> None:
        """Go on until so many calls have ended."""
        while len(self.calls) < count and not self.failures:
            time.sleep(0.05)

    def failed(self) -> int:
        """How many calls had no right answer."""
        return sum(not one.right for one in self.calls)

    def longest_s(self) -> float:
        """The longest of all calls."""
        return max(one.ended_s - one.began_s for one in self.calls)

    def _run(self) -> None:
        try:
            while not self._stop.wait(max(0.0, self._due_s() - time.monotonic())):
                self.calls.append(call(self._client, timeout_s=self._timeout_s))
        except BaseException as error:  # whatever it is, the test has to hear of it
            self.failures.append(error)

    def _due_s(self) -> float:
        with self._lock:
            number, self._next = self._next, self._next + 1
        return self._began_s + number / self._per_s
