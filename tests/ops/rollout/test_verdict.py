"""Simulated rollouts: bad candidates go back, equal ones pass, and too little evidence says so."""

import functools
import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray

from triptych_ops.rollout.evidence import Buckets, Classes, Counts, Evidence, Measured, NoData, Pair
from triptych_ops.rollout.metrics import USUAL
from triptych_ops.rollout.statistics import moved_most, ratio, spent
from triptych_ops.rollout.verdict import Decision, Verdict, judge

_SHARES = (0.05, 0.25, 0.5)
_LOOKS = 4  # a step
_CLASSES = 50
_NAMES = tuple(map(str, range(_CLASSES)))
_MIX = (1 / np.arange(1, _CLASSES + 1)) / (1 / np.arange(1, _CLASSES + 1)).sum()  # Zipf
_LATENCY_S = (*map(float, np.geomspace(0.005, 5, 40)), np.inf)
_CONFIDENCE = (*map(float, np.linspace(0.05, 1, 20)), np.inf)

_SCORES = np.histogram(np.random.default_rng(3).beta(4, 2, 10_000), bins=(0, *_CONFIDENCE))[0] / 10_000


@functools.cache
def _lognormal(median_s: float, sigma: float) -> NDArray[np.float64]:
    """Probability of each bucket."""
    below = [NormalDist(np.log(median_s), sigma).cdf(np.log(bound)) for bound in _LATENCY_S[:-1]]
    return np.diff([0.0, *below, 1.0])


Track = Callable[[np.random.Generator, int], dict[str, Measured]]


def _track(
    random: np.random.Generator,
    requests: int,
    *,
    errors: float = 0.01,
    slower: float = 1.0,
    mix: NDArray[np.float64] = _MIX,
    confident: bool = True,
) -> dict[str, Measured]:
    """What a track of these properties would have exported of so many requests."""
    latency = random.multinomial(requests, _lognormal(0.04 * slower, 0.4))
    scores = random.multinomial(requests, _SCORES if confident else np.eye(len(_CONFIDENCE))[-1])
    counts = random.multinomial(requests, mix)
    undecodable = float(random.binomial(requests, 0.005))
    return {
        "errors": Counts(float(random.binomial(requests, errors)), requests),
        "latency": Buckets(_LATENCY_S, tuple(map(float, latency))),
        "undecodable": Counts(undecodable, requests),
        "classes": Classes(dict(zip(_NAMES, counts.astype(float).tolist(), strict=True))),
        "confidence": Buckets(_CONFIDENCE, tuple(map(float, scores))),
    }


def _added(one: Measured, other: Measured) -> Measured:
    match one, other:
        case Counts(), Counts():
            return Counts(one.bad + other.bad, one.of + other.of)
        case Classes(), Classes():
            names = {*one.counts, *other.counts}
            return Classes({name: one.counts.get(name, 0) + other.counts.get(name, 0) for name in names})
        case Buckets(), Buckets():
            return Buckets(one.bounds, tuple(a + b for a, b in zip(one.counts, other.counts, strict=True)))
    raise AssertionError((one, other))


def _sum(one: dict[str, Measured] | None, other: dict[str, Measured]) -> dict[str, Measured]:
    return other if one is None else {name: _added(one[name], other[name]) for name in other}


def _rolled_out(seed: int, candidate: Track, *, requests: int = 4000) -> Verdict:
    """The verdict that ended a rollout; a step that stays inconclusive ends it by its deadline."""
    random = np.random.default_rng(seed)
    for share in _SHARES:
        ours = theirs = None
        for look in range(1, _LOOKS + 1):
            mine = int(requests * share)
            ours, theirs = _sum(ours, candidate(random, mine)), _sum(theirs, _track(random, requests - mine))
            evidence = {name: Pair(ours[name], theirs[name]) for name in ours}
            verdict = judge(USUAL, evidence, look=look, steps=len(_SHARES), least_samples=200)
            if verdict.decision is not Decision.HOLD:
                break
        if verdict.decision is not Decision.PROMOTE:
            return verdict
    return verdict


_SHUFFLED = np.random.default_rng(7).permutation(_MIX)
_NAN = np.eye(_CLASSES)[0]  # the first class wins every comparison that nobody wins
_BAD: dict[str, Track] = {
    "errors +5 points": lambda random, requests: _track(random, requests, errors=0.06),
    "latency x2": lambda random, requests: _track(random, requests, slower=2),
    "shuffled labels": lambda random, requests: _track(random, requests, mix=_SHUFFLED),
    "NaN scores": lambda random, requests: _track(random, requests, mix=_NAN, confident=False),
}


@pytest.mark.parametrize("name", _BAD)
def test_case_29_bad_candidates_go_back(name: str) -> None:
    verdicts = [_rolled_out(seed, _BAD[name]) for seed in range(100)]
    aborted = sum(verdict.decision is Decision.ABORT for verdict in verdicts)
    passed = sum(verdict.decision is Decision.PROMOTE for verdict in verdicts)
    print(f"case 29: {name}: {aborted} of {len(verdicts)} aborted, {passed} passed")
    assert passed == 0
    assert aborted == len(verdicts)


def test_case_29_equal_candidates_pass() -> None:
    decisions = [_rolled_out(seed, _track).decision for seed in range(2000)]
    aborted, held = decisions.count(Decision.ABORT), decisions.count(Decision.HOLD)
    print(f"case 29: equal: {aborted} of {len(decisions)} aborted, {held} inconclusive")
    assert aborted + held <= len(decisions) // 20


def _evidence(requests: int, *, seed: int = 1) -> Evidence:
    random = np.random.default_rng(seed)
    ours, theirs = _track(random, requests), _track(random, 20 * requests)
    return {name: Pair(ours[name], theirs[name]) for name in ours}


def _look(evidence: Evidence, *, look: int = 1, least_samples: int = 200) -> Verdict:
    return judge(USUAL, evidence, look=look, steps=3, least_samples=least_samples)


def test_case_30_too_few_samples_never_pass_and_say_so() -> None:
    counts = (0, 1, 10, 50, 100, 199)
    verdicts = [_look(_evidence(requests, seed=seed)) for requests in counts for seed in range(20)]
    print(f"case 30: {sum(v.decision is Decision.PROMOTE for v in verdicts)} of {len(verdicts)} promoted")
    for verdict in verdicts:
        assert verdict.decision is Decision.HOLD
        assert "samples" in verdict.why


def test_enough_samples_pass() -> None:
    assert _look(_evidence(1000)).decision is Decision.PROMOTE


@pytest.mark.parametrize("missing", [rule.name for rule in USUAL])
def test_no_data_of_one_metric_is_no_pass(missing: str) -> None:
    evidence = dict(_evidence(1000))
    evidence[missing] = Pair(NoData("HTTP 500"), evidence[missing].stable)
    verdict = _look(evidence)
    assert verdict.decision is Decision.HOLD
    assert f"{missing}: no data of candidate: HTTP 500" in verdict.why
    del evidence[missing]
    assert _look(evidence).decision is Decision.HOLD


def test_no_metrics_are_no_pass() -> None:
    assert judge((), {}, look=1, steps=1, least_samples=0).decision is Decision.HOLD


def test_buckets_too_wide_to_see_twice_the_latency_are_no_pass() -> None:
    evidence = dict(_evidence(1000))
    wide = Buckets((0.01, 0.025, 0.05, 0.1, 0.25, 0.5, np.inf), (0.0, 0.0, 0.0, 0.0, 1000.0, 0.0, 0.0))
    evidence["latency"] = Pair(wide, wide)
    verdict = _look(evidence)
    assert verdict.decision is Decision.HOLD
    assert "too wide" in verdict.why


def test_looking_again_and_again_does_not_refuse_equal_candidates_more_often() -> None:
    """With each look at the whole level, as one who forgets the correction, they are: the control."""
    refused = {"corrected": 0, "uncorrected": 0}
    for seed in range(300):
        bad = np.cumsum(np.random.default_rng(seed).binomial(100, 0.1, (2, 100)), axis=1)
        for kind in refused:
            levels = ((look, spent(0.05, look=look) if kind == "corrected" else 0.05) for look in range(1, 101))
            refused[kind] += any(
                ratio(float(bad[0, look - 1]), 100 * look, float(bad[1, look - 1]), 100 * look, level=level).low > 0
                for look, level in levels
            )
    print(f"case 29: equal, 100 looks, one metric: refused of 300: {refused}")
    assert refused["corrected"] <= 15 < refused["uncorrected"]


def test_the_classes_that_moved_most_are_named() -> None:
    stable = {"cat": 500.0, "dog": 300.0, "hen": 150.0, "cow": 50.0}
    candidate = {"cat": 200.0, "dog": 310.0, "hen": 150.0, "cow": 190.0, "x" * 99: 150.0}
    evidence = {**_evidence(1000), "classes": Pair(Classes(candidate), Classes(stable))}
    verdict = _look(evidence)
    assert verdict.decision is Decision.ABORT
    told = "shares that moved most, stable to candidate: cat 0.5 to 0.2, " + "x" * 39 + "… 0 to 0.15, cow 0.05 to 0.19"
    assert told in verdict.why
    [found] = [each for each in verdict.findings if each.metric == "classes"]
    assert [(each.name[:3], each.stable, each.candidate) for each in found.moved] == [
        ("cat", 0.5, 0.2),
        ("xxx", 0.0, 0.15),
        ("cow", 0.05, 0.19),
    ]
    assert not next(each for each in verdict.findings if each.metric == "errors").moved


def test_where_a_distribution_moved_is_named() -> None:
    bounds = (0.25, 0.5, 0.75, math.inf)
    stable, candidate = Buckets(bounds, (10.0, 20.0, 70.0, 900.0)), Buckets(bounds, (10.0, 420.0, 70.0, 500.0))
    verdict = _look({**_evidence(1000), "confidence": Pair(candidate, stable)})
    assert verdict.decision is Decision.ABORT
    assert "most at 0.5: shares up to there 0.03 (stable) and 0.43 (candidate)" in verdict.why


def test_equal_counts_have_moved_nowhere() -> None:
    assert moved_most({"a": 2.0, "b": 2.0}, {"a": 1.0, "b": 1.0}) == ()
