from collections import Counter

import psutil

from loadtests.benchmark.load import Load
from loadtests.benchmark.rounds import run_rounds, turns
from loadtests.benchmark.scenarios import Scenario
from loadtests.benchmark.triton_statistics import MemberTimes


class Recorded:
    """A contestant that does nothing and writes down its turns."""

    def __init__(self, name: str, calls: list[tuple[str, str, float]]) -> None:
        self.name = name
        self._calls = calls

    def measure(self, scenario: Scenario, *, seconds: float) -> Load:
        self._calls.append((self.name, scenario.name, seconds))
        return Load(100.0, (0.01,), {}, answers=1)

    def processes(self) -> list[psutil.Process]:
        return [psutil.Process()] if self.name == "b" else []

    def member_times(self) -> dict[str, MemberTimes]:
        count = len(self._calls)
        return {"classifier": MemberTimes(count, count, 0.0, 0.0, count * 1.0, 0.0)}


def test_each_turn_starts_with_another() -> None:
    assert [turns("abc", turn=turn) for turn in range(4)] == [tuple(row) for row in ("abc", "bca", "cab", "abc")]


def test_everyone_has_a_turn_in_each_scenario_of_each_round() -> None:
    calls: list[tuple[str, str, float]] = []
    contestants = [Recorded(name, calls) for name in "abc"]
    scenarios = [
        Scenario("1", 1, contestants=("a", "b", "c")),
        Scenario("16", 16, share=2.0, contestants=("a", "b", "c")),
        Scenario("12 MP", 1, contestants=("a", "c")),
    ]
    samples = list(run_rounds(contestants, scenarios, rounds=3, seconds=0.5))
    assert Counter(calls) == {
        **{(name, "1", 0.5): 3 for name in "abc"},
        **{(name, "16", 1.0): 3 for name in "abc"},
        **{(name, "12 MP", 0.5): 3 for name in "ac"},
    }
    assert [(sample.contestant, sample.scenario) for sample in samples] == [call[:2] for call in calls]
    assert [sample.round for sample in samples] == [1] * 8 + [2] * 8 + [3] * 8
    firsts = [calls[start][0] for start in (0, 3, 8, 11)]
    assert len(set(firsts)) > 1


def test_a_sample_has_what_its_turn_took() -> None:
    contestants = [Recorded(name, []) for name in "ab"]
    scenario = Scenario("1", 1, contestants=("a", "b"))
    first, second = run_rounds(contestants, [scenario], rounds=1, seconds=0.1)
    assert first.members["classifier"] == MemberTimes(1, 1, 0.0, 0.0, 1.0, 0.0)
    assert first.memory_bytes == 0
    assert second.memory_bytes > 1_000_000
    assert second.others_cpu_share == 0.0
