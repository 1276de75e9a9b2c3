"""Settings are chosen where they carry more by more than chance, and not else."""

import numpy as np

from loadtests.tuning import Candidate, Effort, combined, tune, variants

DEFAULTS = {"batch": 2, "threads": 1}
TRIED = variants(DEFAULTS, {"batch": (1, 2, 4), "threads": (1, 2)})


class Machine:
    """Its speed drifts from one measurement to the next, and each measurement has some noise."""

    def __init__(self, gains: dict[tuple[str, int], float], *, seed: int, noise: float = 0.03) -> None:
        self._gains = gains
        self._dice = np.random.default_rng(seed)
        self._noise = noise
        self._speed = 100.0

    def throughput(self, candidate: Candidate) -> float:
        self._speed *= 1 + self._dice.normal(0, 0.01)
        factor = 1.0
        for setting in candidate.settings.items():
            factor *= self._gains.get(setting, 1.0)
        return self._speed * factor * (1 + self._dice.normal(0, self._noise))

    def capacity(self, candidate: Candidate, begin_per_s: float) -> float:
        assert begin_per_s > 0
        return 0.8 * self.throughput(candidate)


def found(
    gains: dict[tuple[str, int], float], seed: int, *, effort: Effort | None = None
) -> tuple[bool, Candidate | None]:
    machine = Machine(gains, seed=seed)
    tuning = tune(TRIED, throughput=machine.throughput, capacity=machine.capacity, effort=effort or Effort())
    return tuning.is_better, tuning.best


def test_what_is_tried() -> None:
    assert [str(each) for each in TRIED] == ["defaults", "batch 1", "batch 4", "threads 2"]
    assert combined([Candidate({"batch": 4}), Candidate({"batch": 1, "threads": 2})]).settings == {
        "batch": 4,
        "threads": 2,
    }


def test_settings_that_are_much_better_are_found_together() -> None:
    gains = {("batch", 4): 1.3, ("threads", 2): 1.2, ("batch", 1): 0.7}
    outcomes = [found(gains, seed) for seed in range(50)]
    right = sum(better and best == Candidate({"batch": 4, "threads": 2}) for better, best in outcomes)
    print(f"a half better, found in {right} of {len(outcomes)} contests")
    assert right >= 45


def test_settings_that_change_nothing_are_seldom_chosen() -> None:
    """The control asks for no margin, and one pair only: it takes chance for a gain."""
    chosen = sum(found({}, seed)[0] for seed in range(100))
    careless = Effort(pairs=1, margin=0.0)
    by_chance = sum(found({}, seed, effort=careless)[0] for seed in range(100))
    print(f"nothing better, said to be in {chosen} of 100 contests; without margin and pairs in {by_chance}")
    assert chosen <= 5
    assert by_chance > 20


def test_what_is_worse_is_not_even_held_against_the_defaults() -> None:
    better, best = found(dict.fromkeys((("batch", 1), ("batch", 4), ("threads", 2)), 0.5), 1)
    assert (better, best) == (False, None)
