"""A run's record, its objectives and the server's statistics, joined into what a report says."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from loadtests.objectives import Objective, Verdict, judged, objective
from loadtests.records import Outcome, StageSummary, StoredRun, read, summaries
from loadtests.statistics import Circumstances, Member, between, bottleneck, by_stage, readings
from triptych.endpoint import Endpoint, is_loopback


class State(StrEnum):
    """What a run comes to."""

    HELD = "held"
    BREACHED = "breached"
    INCONCLUSIVE = "inconclusive"
    FAILED = "failed"


_STATES: Final[Mapping[Outcome, State]] = {
    Outcome.STOPPED: State.INCONCLUSIVE,
    Outcome.GENERATOR_BOUND: State.INCONCLUSIVE,
    Outcome.UNREACHABLE: State.FAILED,
    Outcome.ONLY_ERRORS: State.FAILED,
    Outcome.WORKER_LOST: State.FAILED,
}
_KILLED: Final = "it was killed; what was seen until then is here"
_TURNED_AWAY: Final = frozenset({"overloaded", "deadline_exceeded"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """All that a report says.

    reason:     how it ended, in a sentence
    members:    the server's, in `told_stage`; empty where it does not tell
    told_stage: the measured stage with the slowest answers; None: the members are those of the whole run
    bottleneck: a sentence
    releases:   that answered -> how often
    """

    stored: StoredRun
    state: State
    reason: str
    stages: Sequence[StageSummary]
    verdicts: Sequence[Verdict]
    members: Sequence[Member]
    told_stage: str | None
    bottleneck: str
    releases: Mapping[int, int]


def found_in(folder: Path, *, objectives: Sequence[Objective] | None = None) -> Finding:
    """What the record in `folder` tells. Without objectives those of its profile are judged.

    Raises:
        RecordError: there is no record.
        ObjectiveError: an objective names a stage that there is not.
    """
    stored = _as_long_as_it_lasted(read(folder))
    profile, samples = stored.run.profile, stored.samples
    wanted = [objective(text) for text in profile.objectives] if objectives is None else objectives
    stages = summaries(profile, samples)
    verdicts = judged(wanted, stages)
    slowest = _slowest(stages)
    members_by_stage = by_stage(profile, readings(folder))
    members, told_stage = members_by_stage.get(slowest or "", []), slowest
    if not members:
        members, told_stage = _of_all(stored), None
    return Finding(
        stored=stored,
        state=_state(stored, verdicts),
        reason=stored.ending.reason if stored.ending else _KILLED,
        stages=stages,
        verdicts=verdicts,
        members=members,
        told_stage=told_stage,
        bottleneck=bottleneck(members, _circumstances(stored, told_stage)),
        releases=dict(sorted(Counter(sample.release for sample in samples if sample.release).items())),
    )


def _as_long_as_it_lasted(stored: StoredRun) -> StoredRun:
    """With rates by the seconds that there were, where it ended early."""
    if stored.ending is None:
        return stored
    return replace(stored, run=replace(stored.run, profile=stored.run.profile.cut_at(stored.ending.seconds)))


def _state(stored: StoredRun, verdicts: Sequence[Verdict]) -> State:
    if stored.ending is None:
        return State.INCONCLUSIVE
    if stored.ending.outcome is not Outcome.DONE:
        return _STATES[stored.ending.outcome]
    return State.HELD if all(verdict.held for verdict in verdicts) else State.BREACHED


def _slowest(stages: Sequence[StageSummary]) -> str | None:
    measured = [stage for stage in stages if stage.measured and stage.offered]
    if not measured:
        return None
    return max(measured, key=lambda stage: float("inf") if stage.p99_s is None else stage.p99_s).stage


def _of_all(stored: StoredRun) -> list[Member]:
    ending = stored.ending
    return between(ending.server_before, ending.server_after, seconds=ending.seconds) if ending else []


def _circumstances(stored: StoredRun, stage: str | None) -> Circumstances:
    profile = stored.run.profile
    seen = [sample for sample in stored.samples if stage in {None, sample.stage}]
    good = [sample for sample in seen if sample.is_good and sample.was_sent]
    classified = [sample for sample in good if sample.has_latency]
    shares = [
        pulse.machine_share
        for every in stored.pulses.values()
        for pulse in every
        if stage in {None, profile.stage_at(pulse.at_s).name}
    ]
    return Circumstances(
        answered=len(good),
        refused=sum(sample.code in _TURNED_AWAY for sample in seen),
        mean_s=_mean([sample.service_s for sample in classified or good]),
        machine_share=_mean(shares),
        same_machine=all(is_loopback(Endpoint.from_url(url).host) for url in stored.run.urls),
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
