"""Load at a steady rate, whatever the servers do: an open loop."""

import threading
import time
from collections import Counter

from triptych import Client

from .load import Call, call

_WORKERS = 64  # calls under way at once; more wait, and say so by their lateness
_TIMEOUT_S = 10.0


class Paced:
    """`per_s` calls a second by one client, from when this is entered until it is left."""

    def __init__(self, client: Client, *, per_s: float) -> None:
        self._client = client
        self._per_s = per_s
        self._lock = threading.Lock()
        self._next = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(_WORKERS)]
        self.calls: list[Call] = []
        self.failures: list[BaseException] = []

    def __enter__(self) -> "Paced":
        self._began_s = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(_TIMEOUT_S + 10)
        assert not any(thread.is_alive() for thread in self._threads), "a call hangs"
        assert not self.failures, self.failures

    def until(self, count: int) -> None:
        """Go on until so many calls have ended."""
        while len(self.calls) < count and not self.failures:
            time.sleep(0.05)

    def outcomes(self) -> Counter[str]:
        """How many calls ended how."""
        return Counter(one.error or ("right" if one.right else "wrong") for one in self.calls)

    def failed(self) -> int:
        """How many calls had no right answer."""
        return sum(not one.right for one in self.calls)

    def longest_s(self) -> float:
        """The longest of all calls."""
        return max(one.ended_s - one.began_s for one in self.calls)

    def _run(self) -> None:
        try:
            while not self._stop.wait(max(0.0, self._due_s() - time.monotonic())):
                self.calls.append(call(self._client, timeout_s=_TIMEOUT_S))
        except BaseException as error:  # whatever it is, the test has to hear of it
            self.failures.append(error)

    def _due_s(self) -> float:
        with self._lock:
            number, self._next = self._next, self._next + 1
        return self._began_s + number / self._per_s
