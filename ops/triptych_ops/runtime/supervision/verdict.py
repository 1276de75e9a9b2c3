"""What the answers to the known question say of a server that something else replaces. Pure: the clock is data."""

from dataclasses import dataclass, field
from typing import Self

from .judgement import Answer, Limits, Look, Outcome, Suspicion, judge


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether requests should come, and whether the server is to be replaced.

    ready:  the last answer came, and was right
    fault:  what is wrong for good, as a sentence; None for one that is well, or merely full, or yet to start
    reason: of the last answer
    """

    ready: bool = False
    fault: str | None = None
    reason: str = "nothing was asked yet"
    suspicion: Suspicion = field(default_factory=Suspicion, repr=False)

    @property
    def kind(self) -> tuple[bool, bool]:
        """Whether it is ready, and whether it is to be replaced."""
        return self.ready, self.fault is not None

    def after(self, answer: Answer, now_s: float, limits: Limits) -> Self:
        """The verdict once `answer` has come."""
        suspicion, fault = judge(self.suspicion, Look(now_s, {}, (answer,)), limits)
        return type(self)(answer.outcome is Outcome.RIGHT, fault, answer.reason, suspicion)
