"""Clients that classify the built-in image over and over, and write down how each call ended."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from triptych import Client, ImageError, TriptychError, health

KNOWN_CLASS = 967  # espresso


@dataclass(frozen=True, slots=True)
class Call:
    """One call; `error` is the name of the SDK's error, None after an answer."""

    began_s: float
    ended_s: float
    right: bool
    error: str | None
    message: str = ""

    @property
    def wrong(self) -> bool:
        """An answer that is not the known one, or an exception that is none of the SDK's."""
        return not self.right and self.error is None


def call(client: Client, *, images: int = 1, timeout_s: float) -> Call:
    """One call of `images` pictures; any exception that is not the SDK's goes up."""
    began_s = time.monotonic()
    try:
        found = list(client.classify_many([health.image()] * images, batch_size=images, timeout_s=timeout_s))
    except TriptychError as error:
        return Call(began_s, time.monotonic(), False, type(error).__name__, str(error))
    right = all(not isinstance(one, ImageError) and one.top.class_id == KNOWN_CLASS for one in found)
    return Call(began_s, time.monotonic(), right, None)


class Callers:
    """Threads that call while this is entered, and how each call ended."""

    def __init__(self, *, timeout_s: float) -> None:
        self._stop = threading.Event()
        self._timeout_s = timeout_s
        self._threads: list[threading.Thread] = []
        self.calls: list[Call] = []
        self.failures: list[BaseException] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(self._timeout_s + 10)
        assert not any(thread.is_alive() for thread in self._threads), "a call hangs"
        assert not self.failures, self.failures

    def outcomes(self) -> Counter[str]:
        """How many calls ended how."""
        return Counter(one.error or ("right" if one.right else "wrong") for one in self.calls)


class Load(Callers):
    """A client and thread for each URL, or several URLs of one client; one call after the other while entered."""

    def __init__(self, urls: Sequence[str | Sequence[str]], *, timeout_s: float = 2.0, images: int = 1) -> None:
        super().__init__(timeout_s=timeout_s)
        self._images = images
        self._threads = [threading.Thread(target=self._run, args=(url,)) for url in urls]

    def _run(self, url: str | Sequence[str]) -> None:
        try:
            with Client(url) as client:
                while not self._stop.is_set():
                    done = call(client, images=self._images, timeout_s=self._timeout_s)
                    self.calls.append(done)
                    if done.error:
                        time.sleep(0.02)  # a refused connection is no reason to spin
        except BaseException as error:  # whatever it is, the test has to hear of it
            self.failures.append(error)
