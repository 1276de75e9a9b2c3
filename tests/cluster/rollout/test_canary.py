"""A release takes the place of another under half of what a pod can do: with real pods, a Gateway, and a Prometheus."""

from datetime import datetime
from pathlib import Path

import pytest

from cluster.canary import SHARE, Canary
from cluster.charts import track
from cluster.cluster import is_own
from cluster.store import ANOTHER_URL, PublishedReleases

pytestmark = pytest.mark.skipif(not is_own(), reason="needs a node of our own")

LEAST_ANSWERS = 10_000
WEIGHTS = (10, 25, 50, 100)
HALF = 50
BESIDE_S = 400.0  # pods start and end, and evidence may take longer than the plan asks for
CONTROL_PER_S = 10.0
CONTROL_S = 10.0


@pytest.mark.timeout(1800)
def test_a_release_is_promoted_and_nobody_notices(canary: Canary, releases: PublishedReleases) -> None:
    """Case 35; it is also the control of the next test: the same labels pass what other labels do not."""
    capacity_per_s = canary.capacity_per_s()
    per_s = SHARE * capacity_per_s
    long_s = LEAST_ANSWERS / per_s
    plan = canary.plan([{"weight_percent": weight, "least_s": long_s / len(WEIGHTS)} for weight in WEIGHTS])
    done = canary.roll_out(2, plan, per_s=per_s, most_s=long_s + BESIDE_S)
    shares = {each["release"]: each["answered"] for each in done.traffic["releases"]}
    print(
        f"case 35: release 2 over release 1 by {WEIGHTS} % at {SHARE:g} C, {per_s:.0f} requests/s: {done.phase}; "
        f"{done.failed} failed and {done.mixed} mixed of {done.answers} answers, by release {shares}"
    )
    assert (done.phase, done.status) == ("promoted", 0), done.said
    assert (done.failed, done.mixed) == (0, 0), done.traffic
    assert done.answers >= LEAST_ANSWERS
    canary.charted.install({"tracks": {"stable": track(releases, 2)}})  # helm is not refused what was promoted


@pytest.mark.timeout(600)
def test_a_release_with_wrong_labels_goes_back_by_itself(
    canary: Canary, releases: PublishedReleases, tmp_path: Path
) -> None:
    """Its network and its own known answers are right, and no request fails: only what it answers tells."""
    number = releases.wrong_labels(tmp_path).release
    per_s = SHARE * canary.capacity_per_s("http")
    plan = canary.plan([{"weight_percent": weight, "least_s": 10} for weight in WEIGHTS])
    done = canary.roll_out(number, plan, per_s=per_s, most_s=BESIDE_S, protocol="http")
    began, ended = (datetime.fromisoformat(done.decisions[place]["at"]) for place in (0, -1))
    [why] = [each["why"] for each in done.decisions if each["act"] == "abort"]
    print(
        f"wrong labels: {done.phase} {(ended - began).total_seconds():.0f} s after its start, with at most "
        f"{done.greatest_share} % of {per_s:.0f} requests/s over HTTP: {why}; "
        f"{done.failed} failed and {done.mixed} mixed of {done.answers} answers"
    )
    assert (done.phase, done.status) == ("aborted", 4), done.said
    assert 0 < done.greatest_share < HALF
    assert "classes: worse" in why
    assert (done.failed, done.mixed) == (0, 0), done.traffic


@pytest.mark.timeout(300)
def test_answers_of_two_releases_under_one_name_are_noticed(
    canary: Canary, releases: PublishedReleases, tmp_path: Path
) -> None:
    """The control of the counting: half of the requests go to another release 1, with other labels."""
    with canary.divided(ANOTHER_URL, releases.wrong_labels(tmp_path, store=ANOTHER_URL)):
        _, told = canary.load(per_s=CONTROL_PER_S, seconds=CONTROL_S)
    print(f"case 35, control: {told['mixed']} of {told['sent']} answers are mixed")
    assert told["mixed"] > 0
