"""What was measured, as plain data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .load import Load
from .triton_statistics import MemberTimes


@dataclass(frozen=True, slots=True)
class Sample:
    """One contestant in one scenario of one round."""

    round: int
    scenario: str
    contestant: str
    load: Load
    cpu_s_per_image: Mapping[str, float] = field(default_factory=dict)  # process -> CPU time of the whole loop
    memory_bytes: int = 0  # proportional set size of all its processes, after the load
    others_cpu_share: float = 0.0  # of one core, by the contestants whose turn it was not
    members: Mapping[str, MemberTimes] = field(default_factory=dict)  # of Triton's ensemble


@dataclass(frozen=True, slots=True)
class Results:
    """All of a run."""

    samples: tuple[Sample, ...]
    starts_s: Mapping[str, tuple[float, ...]]  # contestant -> start to first true answer, each time
    cores: int
    rounds: int
    seconds: float

    def of(self, contestant: str, scenario: str) -> dict[int, Sample]:
        """Round -> sample."""
        return {s.round: s for s in self.samples if s.contestant == contestant and s.scenario == scenario}

    def pairs(self, first: str, second: str, scenario: str) -> Iterator[tuple[Sample, Sample]]:
        """Two contestants in the rounds that have both."""
        others = self.of(second, scenario)
        return ((sample, others[turn]) for turn, sample in self.of(first, scenario).items() if turn in others)

    def contestants(self) -> tuple[str, ...]:
        """Those that were measured, in the order of their first turns."""
        return tuple(dict.fromkeys(sample.contestant for sample in self.samples))
