"""Where an image's time goes inside Triton, by member of the ensemble, from its own statistics."""

import json
from dataclasses import dataclass
from typing import Any

from triptych import contract

from .http_messages import get
from .one_call import call

_NANOSECONDS = 1e9
_PHASES = ("queue", "compute_input", "compute_infer", "compute_output")


@dataclass(frozen=True, slots=True)
class MemberTimes:
    """Seconds that requests spent in one member, and how many there were."""

    requests: int
    executions: int
    queue_s: float
    compute_input_s: float
    compute_infer_s: float
    compute_output_s: float

    def __add__(self, other: "MemberTimes") -> "MemberTimes":
        return self._with(other, 1)

    def __sub__(self, earlier: "MemberTimes") -> "MemberTimes":
        return self._with(earlier, -1)

    def _with(self, other: "MemberTimes", sign: int) -> "MemberTimes":
        return MemberTimes(
            self.requests + sign * other.requests,
            self.executions + sign * other.executions,
            self.queue_s + sign * other.queue_s,
            self.compute_input_s + sign * other.compute_input_s,
            self.compute_infer_s + sign * other.compute_infer_s,
            self.compute_output_s + sign * other.compute_output_s,
        )


def member_times(address: tuple[str, int]) -> dict[str, MemberTimes]:
    """The times of each member since the server's start.

    Raises:
        OSError: the server cannot be reached.
        MalformedAnswerError, ValueError, LookupError: it does not tell.
    """
    return {member: _times(call(address, get(f"/v2/models/{member}/stats")).body) for member in contract.MEMBERS}


def _times(body: bytes) -> MemberTimes:
    (statistics,) = json.loads(body)["model_stats"]
    phases: dict[str, Any] = statistics["inference_stats"]
    seconds = (phases[phase]["ns"] / _NANOSECONDS for phase in _PHASES)
    return MemberTimes(phases["success"]["count"], statistics["execution_count"], *seconds)
