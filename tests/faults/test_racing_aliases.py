"""Alias look-ups, listings and checks beside publishers, taggers and pruners that work at the same time."""

import re
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

import releases
from triptych_ops.release import Store

pytestmark = pytest.mark.server
Publisher = Any
_RACERS = ("tagging", "tagging", "pruning", "pruning", "looking up", "looking up", "verifying", "listing")
_LOOK_UPS = {"folder": 980, "bucket": 150}
_SLICE_S = 8.0
_LONGEST_S = 120.0

# A release that another process has removed, and a race that the taggers lost, are answers and not failures.
_ANSWERS = {
    "tagging": r"MissingError: .*(removed meanwhile|has no release)|OpsError: release N (was|is being) published by",
    "verifying": r"MissingError: .*(was removed from|removed meanwhile|has no release)",
}


def test_look_ups_and_listings_beside_taggers_and_pruners_do_not_fail(
    location: Callable[[], str], publisher: Callable[[str], Publisher]
) -> None:
    store = Store(location())
    kind = "bucket" if store.location.startswith("s3://") else "folder"
    releases.publish_words(store, 1)
    store.tag("stable", 1)
    racers = [(do, publisher(f"{do.replace(' ', '-')}-{number}@host")) for number, do in enumerate(_RACERS)]
    outcomes: dict[str, Counter[str]] = {do: Counter() for do in _RACERS}
    begun = time.monotonic()
    while outcomes["looking up"].total() < _LOOK_UPS[kind] and time.monotonic() - begun < _LONGEST_S:
        until = time.time() + _SLICE_S
        for do, racer in racers:
            racer.begin(do, store=store.location, until=until)
        for do, racer in racers:
            outcomes[do].update(racer.end()["output"])

    failed = {
        do: {words: times for words, times in counts.items() if not _is_an_answer(do, words)}
        for do, counts in outcomes.items()
    }
    totals = ", ".join(f"{sum(failed[do].values())} of {counts.total()} {do}" for do, counts in outcomes.items())
    print(f"hostile 16: failed in a {kind} beside publishers, taggers and pruners: {totals}")
    assert not any(failed.values()), failed
    # The controls: there was a race, and it was not about nothing.
    assert outcomes["looking up"]["done"] > _LOOK_UPS[kind] / 2
    assert len(store.numbers()) < outcomes["tagging"]["done"]
    assert len(store.history("stable")) > outcomes["tagging"]["done"] / 4


def _is_an_answer(do: str, words: str) -> bool:
    return words == "done" or bool(re.match(_ANSWERS.get(do, "$^"), words))
