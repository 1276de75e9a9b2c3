"""The numbers of a stage are those of its samples."""

import math

from loadtests.profiles import Arrivals, Profile, Stage
from loadtests.records import DROPPED, NOT_REFUSED, OK, REFUSED, Sample, summaries

PROFILE = Profile(
    name="of tests",
    summary="",
    stages=(
        Stage(name="empty", seconds=1, load=Arrivals(1), measured=False),
        Stage(name="full", seconds=4, load=Arrivals(1), images=2),
    ),
)


def sample(code: str, latency_s: float = 0.1, lag_s: float = 0.0) -> Sample:
    return Sample("full", "http", "jpeg", code, 1, 2, 9, 4.75, 4.75 + lag_s, 4.75 + latency_s)


def test_a_stage_in_numbers() -> None:
    lost = Sample("full", "http", "jpeg", DROPPED, 0, 2, 9, 5.0, math.nan, math.nan)
    slow, late = sample(OK, 0.3), sample(OK, 0.2, lag_s=0.02)
    empty, full = summaries(PROFILE, [sample(OK), sample(REFUSED), slow, late, sample(NOT_REFUSED), lost])
    assert (empty.offered, empty.p50_s, empty.measured) == (0, None, False)
    assert (full.offered, full.sent, full.good, full.dropped, full.late) == (6, 5, 4, 1, 1)
    assert full.in_time == 4
    assert (full.per_s, full.images_per_s) == (0.75, 1.5)  # the slow one came after the end
    assert full.p50_s is not None
    assert math.isclose(full.p50_s, 0.2)  # of 0.1, 0.2 and 0.3: a refusal is good, and its latency counts nowhere
    assert full.codes == {OK: 3, REFUSED: 1, NOT_REFUSED: 1, DROPPED: 1}


def test_refusals_of_invalid_images_are_good_and_have_no_part_in_latencies() -> None:
    """Control: with them among the latencies the median would be theirs, a hundredth of any classification."""
    answers = [sample(OK, 0.1)] * 4 + [sample(REFUSED, 0.001)] * 5
    full = summaries(PROFILE, answers)[1]
    assert (full.good, full.codes[REFUSED]) == (9, 5)
    assert full.p50_s is not None
    assert math.isclose(full.p50_s, 0.1)
    only = summaries(PROFILE, [sample(REFUSED, 0.001)])[1]
    assert (only.good, only.p50_s) == (1, None)
