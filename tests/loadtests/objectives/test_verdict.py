"""Each figure of a stage against its bound; no data never holds."""

import math

import pytest

from loadtests.objectives import ObjectiveError, judged, objective
from loadtests.profiles import Arrivals, Loop, Profile, Stage
from loadtests.records import DROPPED, OK, Sample, StageSummary, summaries

PROFILE = Profile(
    name="of tests",
    summary="",
    stages=(
        Stage(name="warm-up", seconds=10, load=Arrivals(10), measured=False),
        Stage(name="open", seconds=10, load=Arrivals(10)),
        Stage(name="closed", seconds=10, load=Loop(1)),
    ),
)


def sample(code: str, *, intended_s: float = 15.0, latency_s: float = 0.1) -> Sample:
    sent_s = math.nan if code == DROPPED else intended_s
    stage = PROFILE.stage_at(intended_s).name
    return Sample(stage, "http", "jpeg", code, 1, 1, 9, intended_s, sent_s, sent_s + latency_s)


def stages(*of_open: Sample) -> list[StageSummary]:
    return summaries(PROFILE, [sample(OK, intended_s=1.0, latency_s=9), *of_open, sample(OK, intended_s=25.0)])


NINE = [sample(OK)] * 9
CASES = {
    "a fast one": ("p99<200ms", [*NINE], True),
    "a slow one of ten": ("p99<200ms", [*NINE, sample(OK, latency_s=2)], False),
    "which the median does not see": ("p50<200ms", [*NINE, sample(OK, latency_s=2)], True),
    "at the bound is not within": ("p50<100ms", [sample(OK, intended_s=15, latency_s=0.125)], False),
    "an error": ("errors<10%", [*NINE, sample("unavailable")], False),
    "an error within": ("errors<11%", [*NINE, sample("unavailable")], True),
    "dropped is an error": ("errors<10%", [*NINE, sample(DROPPED)], False),
    "dropped is not achieved": ("achieved>95%", [*NINE, sample(DROPPED)], False),
    "answered after the end, as what was under way": ("achieved>95%", [*NINE, sample(OK, intended_s=19.9)], True),
    "answered long after the end, as a backlog is": (
        "achieved>95%",
        [*NINE, sample(OK, intended_s=19, latency_s=3)],
        False,
    ),
    "nothing at all": ("p99<200ms", [], False),
    "no good answer": ("p99<200ms", [sample("unavailable")], False),
}


@pytest.mark.parametrize(("text", "samples", "held"), CASES.values(), ids=CASES)
def test_a_stage(text: str, samples: list[Sample], held: bool) -> None:
    (verdict,) = [each for each in judged([objective(text)], stages(*samples)) if each.stage == "open"]
    assert verdict.held is held


def test_which_stages_are_judged() -> None:
    found = judged(list(map(objective, ("p99<1s", "achieved>99%", "warm-up: p99<1s"))), stages(*NINE))
    assert [(each.objective.name, each.stage, each.held) for each in found] == [
        ("p99", "open", True),
        ("p99", "closed", True),
        ("achieved", "open", True),
        ("p99", "warm-up", False),
    ]
    assert str(found[-1]) == "warm-up: p99 9000 ms, not < 1000 ms"


def test_a_stage_that_there_is_not() -> None:
    with pytest.raises(ObjectiveError, match="there is no stage 'rush'; there are warm-up, open, closed"):
        judged([objective("rush: p99<1s")], stages())
