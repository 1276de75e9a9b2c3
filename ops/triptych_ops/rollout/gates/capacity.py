"""The gate that tells whether a pod carries what a load test said one does."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from triptych import Client, TriptychError, health

from ..course import GateResult
from ..state import Act, Rollout
from .pods import TIMEOUT_S

_NAME: Final = "capacity"
_CALLERS: Final = 8
_SECONDS: Final = 5.0


def capacity(images_per_s: float) -> Callable[[Sequence[str], Rollout], GateResult]:
    """The gate for pods of which each does so many images a second."""

    def gate(urls: Sequence[str], rollout: Rollout) -> GateResult:  # noqa: ARG001  a gate's form
        """PASS where each does, one after the other; ABORT where one does not."""
        found = []
        for url in urls:
            try:
                found.append(_measured(url))
            except TriptychError as error:
                return GateResult(_NAME, Act.HOLD, f"{url}: {error}")
            if found[-1] < images_per_s:
                why = f"{url} does {found[-1]:.0f} images/s, not the {images_per_s:g} of the plan"
                return GateResult(_NAME, Act.ABORT, why)
        told = ", ".join(f"{per_s:.0f}" for per_s in found)
        return GateResult(_NAME, Act.PASS, f"{told} images/s, of {images_per_s:g} that the plan asks for")

    return gate


def _measured(url: str) -> float:
    """Images a second in a closed loop.

    Raises:
        TriptychError: a request failed.
    """
    begun = time.monotonic()
    stop = threading.Event()

    def call(_: int) -> int:
        answered = 0
        with Client(url, timeout_s=TIMEOUT_S) as client:
            while not stop.is_set() and time.monotonic() < begun + _SECONDS:
                client.classify(health.image())
                answered += 1
        return answered

    with ThreadPoolExecutor(_CALLERS) as callers:
        try:
            answered = sum(callers.map(call, range(_CALLERS)))
        finally:
            stop.set()
    return answered / (time.monotonic() - begun)
