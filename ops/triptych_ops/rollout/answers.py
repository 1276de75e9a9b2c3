"""The gate before any traffic: each of the candidate's own pods gives the known answer, and of the right release."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from triptych import Client, TriptychError

from .course import GateResult
from .state import Act, Rollout
from .world import World

_NAME: Final = "answers"
_TIMEOUT_S: Final = 10.0
_WARM_UP: Final = 5
"""Known answers in a row: the first one loads what is loaded at first use."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Asks pods by their own addresses, so that no Service and no route comes between.

    urls: of the candidate's pods, as the SDK takes them; None for one without an address
    """

    urls: Callable[[], tuple[str | None, ...]]

    def __call__(self, rollout: Rollout, world: World) -> tuple[GateResult, ...]:  # noqa: ARG002
        """One result; HOLD where a pod cannot be reached."""
        urls = self.urls()
        if len(urls) < rollout.wanted.candidate_replicas or None in urls:
            return (GateResult(_NAME, Act.HOLD, f"{len(urls)} pods have an address"),)
        for url in urls:
            if url is not None and (found := _asked(url, rollout.release.release)) is not None:
                return (found,)
        return (GateResult(_NAME, Act.PASS, f"{len(urls)} pods give the known answer, {_WARM_UP} times each"),)


def _asked(url: str, release: int) -> GateResult | None:
    """What is wrong with a pod; None where nothing is."""
    try:
        with Client(url, timeout_s=_TIMEOUT_S) as client:
            for _ in range(_WARM_UP):
                health = client.health()
                if not health.answered:
                    return GateResult(_NAME, Act.HOLD, f"{url}: {health.reason}")
                if not health.ok:
                    return GateResult(_NAME, Act.ABORT, f"{url}: {health.reason}")
                if health.release != release:
                    return GateResult(_NAME, Act.ABORT, f"{url} serves release {health.release}, not {release}")
    except TriptychError as error:
        return GateResult(_NAME, Act.HOLD, f"{url}: {error}")
    return None
