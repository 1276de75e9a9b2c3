"""The gate that tells whether a pod serves, the right release, and rightly: golden answers, asked of the pod itself."""

from collections.abc import Sequence
from importlib import resources
from typing import Final

from triptych import Client, TriptychError, contract

from ..course import GateResult
from ..state import Act, Golden, Rollout
from .pods import TIMEOUT_S

_NAME: Final = "answers"


def answers(urls: Sequence[str], rollout: Rollout) -> GateResult:
    """PASS where each pod gives the release's golden answers, ABORT where one gives others, HOLD where one gives none.

    Of a release whose manifest nobody read they are not known: then that it answers is all that is asked here, and
    what it answers is left to the pods' own probes.
    """
    for url in urls:
        if (found := _asked(url, rollout)) is not None:
            return found
    told = f"{len(urls)} pod{'s' if len(urls) > 1 else ''} gave "
    told += f"{len(rollout.golden)} golden answers" if rollout.golden else "an answer; golden ones are not known here"
    return GateResult(_NAME, Act.PASS, told)


def _asked(url: str, rollout: Rollout) -> GateResult | None:
    """What is wrong with a pod; None where nothing is."""
    release = rollout.release.release
    try:
        with Client(url, timeout_s=TIMEOUT_S) as client:
            health = client.health()
            if not health.answered:
                return GateResult(_NAME, Act.HOLD, f"{url}: {health.reason}")
            if not health.ok:
                return GateResult(_NAME, Act.ABORT, f"{url}: {health.reason}")
            if health.release != release:
                return GateResult(_NAME, Act.ABORT, f"{url} serves release {health.release}, not {release}")
            wrong = next((why for golden in rollout.golden if (why := _differs(client, golden)) is not None), None)
    except TriptychError as error:
        return GateResult(_NAME, Act.HOLD, f"{url}: {error}")
    return GateResult(_NAME, Act.ABORT, f"{url}: {wrong}") if wrong else None


def _differs(client: Client, golden: Golden) -> str | None:
    """How a pod's answer differs from the golden one; None where it does not."""
    content = resources.files("triptych_ops").joinpath("photographs", golden.photograph).read_bytes()
    top = client.classify(content).top
    if top.label == golden.label and abs(top.score - golden.score) <= contract.HEALTH_TOLERANCE:
        return None
    found = f"{golden.photograph} is {top.label!r} with {top.score:.3f}"
    return f"{found}; the golden answer is {golden.label!r} with {golden.score:.3f}"
