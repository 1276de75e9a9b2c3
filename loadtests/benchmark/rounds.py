"""The interleaved run: in each round every contestant has its turn in every scenario, each time in another order."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

import psutil

from .load import Load
from .process_usage import cpu_seconds, memory_bytes, since
from .samples import Sample
from .scenarios import Scenario
from .triton_statistics import MemberTimes

T = TypeVar("T")


class AtWork(Protocol):
    """A contestant that is up and idle."""

    @property
    def name(self) -> str:
        """One of CONTESTANTS."""

    def measure(self, scenario: Scenario, *, seconds: float) -> Load:
        """Put it under load; idle again when this returns."""

    def processes(self) -> list[psutil.Process]:
        """All of its processes."""

    def member_times(self) -> dict[str, MemberTimes]:
        """Of Triton's members since the start; empty where there is no Triton."""


def turns(contestants: Sequence[T], *, turn: int) -> Sequence[T]:
    """The same contestants, starting with another one each turn."""
    start = turn % max(1, len(contestants))
    return (*contestants[start:], *contestants[:start])


def run_rounds(
    contestants: Sequence[AtWork],
    scenarios: Sequence[Scenario],
    *,
    rounds: int,
    seconds: float,
    tell: Callable[[int, Scenario, str], None] = lambda *_: None,
) -> Iterator[Sample]:
    """A sample for each round, scenario and contestant; `tell` is called before each."""
    turn = 0
    for number in range(1, rounds + 1):
        for scenario in scenarios:
            present = [one for one in contestants if one.name in scenario.contestants]
            for one in turns(present, turn=turn):
                tell(number, scenario, one.name)
                others = [other for other in contestants if other is not one]
                yield _sample(one, others, scenario, number=number, seconds=seconds * scenario.share)
            turn += 1


def _sample(one: AtWork, others: Sequence[AtWork], scenario: Scenario, *, number: int, seconds: float) -> Sample:
    own = one.processes()
    foreign = [process for other in others for process in other.processes()]
    members_before = one.member_times()
    foreign_before, own_before, clock_before = cpu_seconds(foreign), cpu_seconds(own), time.monotonic()
    load = one.measure(scenario, seconds=seconds)
    own_s, foreign_s = since(own_before, cpu_seconds(own)), since(foreign_before, cpu_seconds(foreign))
    elapsed_s = time.monotonic() - clock_before
    members = {
        name: times - members_before[name] for name, times in one.member_times().items() if name in members_before
    }
    return Sample(
        round=number,
        scenario=scenario.name,
        contestant=one.name,
        load=load,
        cpu_s_per_image={name: spent_s / max(1, load.answers) for name, spent_s in own_s.items()},
        memory_bytes=memory_bytes(own),
        others_cpu_share=sum(foreign_s.values()) / elapsed_s,
        members=members,
    )
