"""A release takes the place of another under half of what a pod can do: with real pods, a Gateway, and a Prometheus."""

import pytest

from cluster.canary import SHARE, Canary
from cluster.cluster import is_own

pytestmark = pytest.mark.skipif(not is_own(), reason="needs a node of our own")

LEAST_ANSWERS = 10_000
WEIGHTS = (10, 25, 50, 100)


@pytest.mark.timeout(900)
def test_a_release_is_promoted_and_nobody_notices(canary: Canary) -> None:
    """Case 35; it is also the control of the next test: the same labels pass what other labels do not."""
    capacity_per_s = canary.capacity_per_s()
    per_s = SHARE * capacity_per_s
    plan = canary.plan(
        [{"weight_percent": weight, "least_s": LEAST_ANSWERS / per_s / len(WEIGHTS)} for weight in WEIGHTS]
    )
    done = canary.roll_out(2, plan, per_s=per_s)
    shares = {each["release"]: each["answered"] for each in done.traffic["releases"]}
    print(
        f"case 35: release 2 over release 1 by {WEIGHTS} % at {SHARE:g} C, {per_s:.0f} requests/s: {done.phase}; "
        f"{done.failed} failed and {done.mixed} mixed of {done.answers} answers, by release {shares}"
    )
    print(done.said)
    assert (done.phase, done.status) == ("promoted", 0), done.said
    assert (done.failed, done.mixed) == (0, 0), done.traffic
    assert done.answers >= LEAST_ANSWERS
