"""10,000 requests a second are due at moments that are Poisson's, whatever of them a generator can send."""

from pathlib import Path

import numpy as np
from scipy import stats

from loadtests.engine import Plan, run
from loadtests.profiles import Arrivals, Profile, Stage
from loadtests.records import Outcome, read
from loadtests.users.target import Target
from triptych.testing import FakeServer

PER_S = 10_000


def test_10_000_offered_a_second_come_as_poisson_says(tmp_path: Path) -> None:
    stage = Stage(name="all", seconds=2.0, load=Arrivals(PER_S))
    profile = Profile(name="of tests", summary="", stages=(stage,), most_under_way=32)
    with FakeServer() as server:
        ending = run(Plan(profile=profile, target=Target.at([server.http_url]), folder=tmp_path, seed=1))
    samples = read(tmp_path).samples
    p = stats.kstest(np.diff([sample.intended_s for sample in samples]), "expon", args=(0, 1 / PER_S)).pvalue
    sent = [sample for sample in samples if sample.was_sent]
    lag_ms = np.percentile([sample.lag_s * 1000 for sample in sent], 50)
    print(
        f"{len(samples)} offered in {stage.seconds:g} s, p = {p:.2f}; "
        f"{len(sent)} sent, half within {lag_ms:.1f} ms, the others dropped; {ending.outcome}"
    )
    assert abs(len(samples) - PER_S * stage.seconds) < 4 * (PER_S * stage.seconds) ** 0.5
    assert p > 0.05
    assert ending.outcome is Outcome.GENERATOR_BOUND  # and it says so
