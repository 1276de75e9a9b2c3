"""What was seen of a server -> what is wrong with it. Pure: the clock is data.

a process ended                       at once
a process is stopped (SIGSTOP)        for `stopped_s`
a wrong answer                        at once
no answer to `failures` probes        for `unanswered_s`, in which the server is stuck (`progress.py`)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from .progress import Progress, stuck


class Condition(Enum):
    """Of a process."""

    RUNNING = auto()
    STOPPED = auto()
    ENDED = auto()


class Outcome(Enum):
    """Of a probe."""

    RIGHT = auto()
    WRONG = auto()
    UNANSWERED = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """A probe that has ended.

    reason:   one sentence
    progress: of each member, looked at after a probe that was not answered; None where the server does not say
    """

    outcome: Outcome
    reason: str
    progress: Mapping[str, Progress] | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at one moment.

    processes: by what people call them
    answers:   of probes that ended since the last look, in order
    """

    now_s: float
    processes: Mapping[str, Condition]
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """How long something may be wrong."""

    stopped_s: float = 2.0  # a debugger's or an administrator's glance
    unanswered_s: float = 3.0
    failures: int = 2  # one may be the network's


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What earlier looks leave in doubt.

    stopped_since_s:    since when each process is stopped
    unanswered_since_s: since when probes are not answered, and the server may be stuck
    failures:           how many those are
    progress:           of each member at that time
    """

    stopped_since_s: Mapping[str, float] = field(default_factory=dict)
    unanswered_since_s: float | None = None
    failures: int = 0
    progress: Mapping[str, Progress] | None = None


def judge(suspicion: Suspicion, look: Look, limits: Limits) -> tuple[Suspicion, str | None]:
    """What is in doubt after `look`, and what is wrong, as a sentence; None where nothing is known to be."""
    suspicion = _see_processes(suspicion, look)
    for name, condition in look.processes.items():
        if condition is Condition.ENDED:
            return suspicion, f"{name} ended"
        stopped_s = look.now_s - suspicion.stopped_since_s.get(name, look.now_s)
        if stopped_s >= limits.stopped_s:
            return suspicion, f"{name} is stopped, for {stopped_s:.1f} s"
    for answer in look.answers:
        if answer.outcome is Outcome.WRONG:
            return suspicion, f"a wrong answer: {answer.reason}"
        suspicion, fault = _hear(suspicion, answer, look.now_s, limits)
        if fault is not None:
            return suspicion, fault
    return suspicion, None


def _see_processes(suspicion: Suspicion, look: Look) -> Suspicion:
    stopped = {
        name: suspicion.stopped_since_s.get(name, look.now_s)
        for name, condition in look.processes.items()
        if condition is Condition.STOPPED
    }
    return replace(suspicion, stopped_since_s=stopped)


def _hear(suspicion: Suspicion, answer: Answer, now_s: float, limits: Limits) -> tuple[Suspicion, str | None]:
    if answer.outcome is Outcome.RIGHT:
        return replace(suspicion, unanswered_since_s=None, failures=0, progress=None), None
    failures = suspicion.failures + 1
    if suspicion.unanswered_since_s is None:
        return replace(suspicion, unanswered_since_s=now_s, failures=failures, progress=answer.progress), None
    silent_s = now_s - suspicion.unanswered_since_s
    if failures < limits.failures or silent_s < limits.unanswered_s:
        return replace(suspicion, failures=failures), None
    if held_up := stuck(suspicion.progress, answer.progress):
        return suspicion, f"{held_up}, for {silent_s:.1f} s: {answer.reason}"
    return replace(suspicion, unanswered_since_s=now_s, progress=answer.progress), None
