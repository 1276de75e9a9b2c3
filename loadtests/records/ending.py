"""How a load test ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """How a run came to its end."""

    DONE = "done"
    STOPPED = "stopped"  # Ctrl-C, SIGTERM
    UNREACHABLE = "unreachable"  # nobody answered before the first request
    ONLY_ERRORS = "only_errors"  # not one request was answered rightly
    WORKER_LOST = "worker_lost"
    GENERATOR_BOUND = (
        "generator_bound"  # the generator itself was the bottleneck: the figures say nothing of the server
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ended.

    reason:    a sentence for people
    seconds:   that it ran
    server_before, server_after: what the server said of itself, by name; empty where it does not tell
    """

    outcome: Outcome
    reason: str
    seconds: float
    server_before: Mapping[str, object] = field(default_factory=dict)
    server_after: Mapping[str, object] = field(default_factory=dict)
